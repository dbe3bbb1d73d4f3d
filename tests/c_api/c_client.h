/* SPDX-License-Identifier: Apache-2.0
 * A program of its own that knows net/dtacs.h and nothing else of the engine; compiled as C11. */
#ifndef TESTS_C_CLIENT_H
#define TESTS_C_CLIENT_H

#include "net/dtacs.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Runs one image, stored (input, y, x), through a plan in a block of exactly the bytes that
 * dtacs_measure() asks for, starting `skew` bytes off a 64-byte boundary.
 * out: (y, x) classes as uint8_t, or (output, y, x) reflectance as uint16_t.
 * Runs it `times` times, restarting in between; the last result stays. */
dtacs_status c_client_run(const void* weights, size_t weights_bytes, const dtacs_options* options, const void* image,
                          void* out, int skew, int times);

#ifdef __cplusplus
}
#endif

#endif
