// SPDX-License-Identifier: Apache-2.0
// A small JPEG 2000 file with the coding parameters of Sentinel-2's 10 m bands.
    .section .rodata
    .globl dtacs_selftest_image_begin
dtacs_selftest_image_begin:
    .incbin "tests/data/jp2/s2_10m.jp2"
    .globl dtacs_selftest_image_end
dtacs_selftest_image_end:
    .section .note.GNU-stack, "", %progbits
