#include "textflag.h"

// func random() uint64
TEXT ·random(SB), NOSPLIT, $0-8
again:
	RDRANDQ AX
	JCC again
	MOVQ AX, ret+0(FP)
	RET

// func leaf(number uint32) uint32: ebx of cpuid, which holds the processor's number
TEXT ·leaf(SB), NOSPLIT, $0-12
	MOVL number+0(FP), AX
	XORL CX, CX
	CPUID
	MOVL BX, ret+8(FP)
	RET
