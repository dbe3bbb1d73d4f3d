/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/c_api/c_client.h"

#include <stdlib.h>
#include <string.h>

enum { kFence = 4096 };

static void take(const dtacs_row* row, const dtacs_info* info, const dtacs_options* o, void* out) {
  const size_t width = (size_t)o->width, plane = width * (size_t)o->height, at = (size_t)row->y * width;
  if (info->classifies) {
    memcpy((uint8_t*)out + at, row->classes, width);
    return;
  }
  for (int m = 0; m < info->outputs; ++m)
    memcpy((uint16_t*)out + (size_t)m * plane + at, row->reflectance[m], width * sizeof(uint16_t));
}

dtacs_status c_client_run(const void* weights, size_t weights_bytes, const dtacs_options* options, const void* image,
                          void* out, int skew, int times) {
  dtacs_info info;
  dtacs_status status = dtacs_measure(weights, weights_bytes, options, &info);
  if (status != DTACS_OK) return status;
  const size_t given = info.memory_bytes, whole = kFence + 64 + given + 64 + kFence;
  char* block = malloc(whole);
  memset(block, 0xa5, whole);
  char* memory = block + kFence + (64 - (uintptr_t)(block + kFence) % 64) % 64 + skew;
  memset(memory, 0xff, given);
  dtacs_plan* plan = NULL;
  status = dtacs_open(weights, weights_bytes, options, memory, given, &plan);

  const size_t value = options->input == DTACS_REFLECTANCE ? sizeof(float) : sizeof(uint16_t);
  const size_t line = (size_t)options->width * value, plane = line * (size_t)options->height;
  int answered = 0;
  for (int n = 0; n < times && status == DTACS_OK; ++n) {
    if (n > 0) dtacs_restart(plan);
    answered = 0;
    for (int y = 0; y < options->height && status == DTACS_OK; ++y) {
      const void* bands[DTACS_MAX_BANDS] = {0};
      for (int i = 0; i < info.inputs; ++i) bands[i] = (const char*)image + (size_t)i * plane + (size_t)y * line;
      status = dtacs_push(plan, bands);
      if (status != DTACS_OK) break;
      dtacs_row row;
      while ((status = dtacs_pull(plan, &row)) == DTACS_OK) {
        if (row.y != answered++) abort();
        take(&row, &info, options, out);
        if (y + 1 - row.y > info.lag) abort();
      }
      if (status == DTACS_NEEDS_ROWS || (status == DTACS_FINISHED && answered == options->height)) status = DTACS_OK;
    }
  }
  if (status == DTACS_OK && answered != options->height) abort();
  for (const char* p = block; p < block + whole; ++p)  // nothing outside the memory given was written
    if ((p < memory || p >= memory + given) && *p != (char)0xa5) abort();
  free(block);
  return status;
}
