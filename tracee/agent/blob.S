// The agent as bytes (tracee/agent), for agent_memory.cc.
        .section .rodata
        .globl  rec_agent_begin, rec_agent_end
        .balign 16
rec_agent_begin:
        .incbin REC_AGENT_FILE
rec_agent_end:
        .section .note.GNU-stack, "", @progbits
