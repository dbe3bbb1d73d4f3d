// SPDX-License-Identifier: Apache-2.0
// The default weights as they lie in weights/, read in place.
    .section .rodata
    .balign 64
    .globl dtacs_classification_begin
dtacs_classification_begin:
    .incbin "weights/classification.dtw"
    .globl dtacs_classification_end
dtacs_classification_end:
    .balign 64
    .globl dtacs_classification_int8_begin
dtacs_classification_int8_begin:
    .incbin "weights/classification_int8.dtw"
    .globl dtacs_classification_int8_end
dtacs_classification_int8_end:
    .balign 64
    .globl dtacs_correction_begin
dtacs_correction_begin:
    .incbin "weights/correction.dtw"
    .globl dtacs_correction_end
dtacs_correction_end:
    .section .note.GNU-stack, "", %progbits
