/* SPDX-License-Identifier: Apache-2.0
 *
 * The engine for C: one network over one image, row by row, in memory the caller owns.
 *
 *   dtacs_options o = {.width = 256, .height = 64, .quantification = 10000.0f};
 *   dtacs_info info;
 *   dtacs_measure(weights, weights_bytes, &o, &info);          // info.memory_bytes, bands in, classes or bands out
 *   dtacs_open(weights, weights_bytes, &o, block, block_bytes, &plan);
 *   for (y = 0; y < 64; ++y) {
 *     dtacs_push(plan, rows_of_y);                             // one pointer per band
 *     while (dtacs_pull(plan, &row) == DTACS_OK) use(row.y, row.classes);
 *   }
 *
 * Nothing here allocates, locks or throws; what dtacs_measure() says before the start is all the memory there will
 * ever be, beside 40 KiB of stack at most in dtacs_measure() and dtacs_open(), 32 KiB in dtacs_push() and dtacs_pull()
 * (8 KiB without vectors), 8 KiB in the others.  Plans are independent of each other; one plan belongs to one thread at
 * a time.  dtacs_measure() and dtacs_open() ask the operating system what the machine can do; on Linux with AMX that
 * lets the process use its tiles.  No pointer may be NULL unless its description allows it.
 *
 * A classification gives a class per pixel, a correction surface reflectance x 10000 for
 * each of its output bands.  Results equal those of the whole image at once, whatever
 * `band` is.  The image is continued by reflection where the network needs a multiple of
 * 32 pixels.  What is no data is the caller's to know: fill such pixels with their
 * neighbours' values before pushing, and mark them in what is pulled.
 */
#ifndef DTACS_H
#define DTACS_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define DTACS_API __attribute__((visibility("default")))
#else
#define DTACS_API
#endif

/* Raised when a program compiled against an older header would misbehave.  Who loads the library at run time
 * compares it with dtacs_api_version(), the number this build was made with. */
#define DTACS_API_VERSION 1

DTACS_API int32_t dtacs_api_version(void);

#define DTACS_MAX_BANDS 16

typedef enum dtacs_status {
  DTACS_OK = 0,
  DTACS_TRUNCATED = 1,        /* the weights end before the structure they announce */
  DTACS_BAD_MAGIC = 2,        /* no weights file */
  DTACS_BAD_VERSION = 3,      /* weights of a version this build does not read */
  DTACS_CORRUPT = 4,          /* the weights contradict themselves or their checksum */
  DTACS_UNSUPPORTED = 5,      /* the weights are of a network this build does not run */
  DTACS_WRONG_SHAPE = 6,      /* the weights' tensors are not those of their network */
  DTACS_MEMORY_TOO_SMALL = 7, /* dtacs_measure() says how much would do */
  DTACS_WRONG_BASE = 8,       /* of unpacking (weights/packed_file.h), from none of the functions below */
  DTACS_BAD_OPTION = 32,      /* a size, band or number of workers below 1 or too large for any memory; an instruction
                                 set that is unknown or that this processor lacks; an unknown kind of input; a
                                 quantification below 0, or that or an offset not finite; no run() */
  DTACS_MISALIGNED = 33,      /* the weights do not start on a 64-byte boundary */
  DTACS_NEEDS_ROWS = 34,      /* nothing to pull before more rows are pushed */
  DTACS_PULL_FIRST = 35,      /* no room for this row before finished ones are pulled */
  DTACS_FINISHED = 36         /* every row was pulled; or pushed, when it comes from dtacs_push() */
} dtacs_status;

/* A sentence for people, without a trailing period; never NULL. */
DTACS_API const char* dtacs_describe(dtacs_status status);

typedef enum dtacs_input {
  DTACS_DIGITAL_NUMBERS = 0, /* uint16_t; reflectance = (DN + offset[input]) / quantification */
  DTACS_REFLECTANCE = 1      /* float, finite; a pixel network (cnn_corrector, linear) rounds it to the nearest
                                digital number of `quantification` and `offset` */
} dtacs_input;

/* How to run jobs at the same time.  run() calls job(context, i, worker) once for every i in
 * [0, jobs) and returns when all are done; worker is in [0, workers) and no two calls with
 * the same worker overlap. */
typedef struct dtacs_parallel {
  void (*run)(void* self, int jobs, void* context, void (*job)(void* context, int index, int worker));
  void* self;
  int workers; /* 1..1024 */
} dtacs_parallel;

/* Zero is a sensible value of everything but width and height. */
typedef struct dtacs_options {
  int32_t width, height; /* of the image in pixels, each in 1..65536 */
  int32_t band;          /* rows a U-Net takes per step, 1..1024: more memory, less overhead; 0: fast for the width */
  int32_t input;         /* a dtacs_input; an int32_t, as the size of an enum depends on the compiler's options */
  float quantification;  /* 0: 10000 */
  float offset[DTACS_MAX_BANDS];  /* RADIO_ADD_OFFSET of each input band, in the order of dtacs_info.input_bands */
  const char* isa;                /* instruction set, as `dtacs run --isa` names them; NULL: the best of this machine */
  const dtacs_parallel* parallel; /* NULL: one job after the other; must outlive the plan, unchanged */
} dtacs_options;

typedef struct dtacs_info {
  size_t memory_bytes; /* what dtacs_open() needs, at any alignment */
  int32_t classifies;  /* 1: the plan gives classes; 0: reflectance */
  int32_t inputs;      /* bands to push */
  int32_t outputs;     /* classes, or bands to pull */
  /* Position among B01 B02 B03 B04 B05 B06 B07 B08 B8A B09 B10 B11 B12, from 0; output_bands of a correction only. */
  int32_t input_bands[DTACS_MAX_BANDS];
  int32_t output_bands[DTACS_MAX_BANDS];
  int32_t lag; /* most rows pushed and not yet answered */
} dtacs_info;

typedef struct dtacs_plan dtacs_plan;

/* Checks the weights and says what a plan for them needs.  The weights must start on a 64-byte boundary. */
DTACS_API dtacs_status dtacs_measure(const void* weights, size_t weights_bytes, const dtacs_options* options,
                                     dtacs_info* info);

/* Makes a plan in `memory`, which must outlive it; there is nothing to close.  The weights may lie in flash; they are
 * not needed afterwards.  Everything that can be wrong with weights or options is found here; whether they are for
 * level 1C or 2A is the caller's to know (weights/FORMAT.md, `input`). */
DTACS_API dtacs_status dtacs_open(const void* weights, size_t weights_bytes, const dtacs_options* options, void* memory,
                                  size_t memory_bytes, dtacs_plan** plan);

/* The next row of the image: bands[i] points to `width` values of input band i, which are read before it returns.
 * DTACS_OK, DTACS_PULL_FIRST or DTACS_FINISHED. */
DTACS_API dtacs_status dtacs_push(dtacs_plan* plan, const void* const* bands);

/* One finished row, in the plan's memory and valid until the next call with this plan. */
typedef struct dtacs_row {
  int32_t y;
  const uint8_t* classes;                       /* `width` classes, or NULL */
  const uint16_t* reflectance[DTACS_MAX_BANDS]; /* x 10000, `width` values of each output band; NULL beyond them */
} dtacs_row;

/* The next finished row, in ascending y.  DTACS_OK, DTACS_NEEDS_ROWS or DTACS_FINISHED.  The work of a U-Net is done
 * here, that of a network of pixels in dtacs_push(). */
DTACS_API dtacs_status dtacs_pull(dtacs_plan* plan, dtacs_row* row);

/* Back to row 0, for the next image of this size. */
DTACS_API void dtacs_restart(dtacs_plan* plan);

#ifdef __cplusplus
}
#endif

#endif /* DTACS_H */
