// SPDX-License-Identifier: Apache-2.0
// What lies in flash beside the program.
    .section .weights, "a"
    .balign 64
    .globl correction_begin, correction_end
correction_begin:
    .incbin "correction.dtw"
correction_end:
#ifdef BOARD_CLASSIFIES
    .balign 64
    .globl classification_begin, classification_end
classification_begin:
    .incbin "classification_int8.dtw"
classification_end:
#endif
    .section .scene, "a"
    .balign 64
    .globl scene_begin, scene_end
scene_begin:
    .incbin "scene.bin"
scene_end:
