// SPDX-License-Identifier: Apache-2.0
// stb's reader, to look at pictures and zlib streams from the other side.
#define STB_IMAGE_IMPLEMENTATION
#include <stb_image.h>
