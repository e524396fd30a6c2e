"""A program sees no more of the processor than --cpu-baseline allows, and its recording says what it could see. A
recording that needs what this processor lacks is refused before anything is replayed."""

from support import programs


def test(space):
    rectest = programs.rectest
    program = programs.built("features_seen")

    def seen(*options):
        run = programs.round_trip(space, [program], runs=1, options=list(options))
        rectest.check(b"copied 1" in run.stdout, "the C library's copies went wrong", run)
        return run

    # Without cpuid faulting, cpuid in these programs is found in their functions: this must work everywhere.
    second = seen("--cpu-baseline", "x86-64-v2")
    rectest.check(b"sse4.2 1 avx 0 avx2 0 avx512f 0 aes 0" in second.stdout, "more than x86-64-v2 is seen", second)
    rectest.check(b"states 0 size 0" in second.stdout and b"xcr0" not in second.stdout, "XSAVE is seen", second)
    rectest.check(b"hwcap2 0\n" in second.stdout, "fsgsbase is seen", second)
    native = seen()
    third = seen("--cpu-baseline", "x86-64-v3", "--no-agent")
    rectest.check(b"avx512f 0 aes 0" in third.stdout, "more than x86-64-v3 is seen", third)
    if b"avx2 1" in native.stdout:
        rectest.check(b"avx 1 avx2 1" in third.stdout, "less than x86-64-v3 is seen", third)
        rectest.check(b"xcr0 0x7\n" in third.stdout, "more than the states of AVX are seen", third)

    shown = programs.info(second)
    rectest.check(b"processor   x86-64-v2 (--cpu-baseline x86-64-v2)\n" in shown.stdout, "rec info shows it not so", shown)
    python = programs.round_trip(
        space, [programs.python(), "-c", "print(sum(range(1000)))"], runs=1, options=["--cpu-baseline", "x86-64-v2"]
    )
    rectest.check(python.status == 0, "python under x86-64-v2", python)

    unknown = rectest.run([rectest.rec_binary(), "record", "--cpu-baseline", "x86-64-v9", "--", "true"])
    rectest.check(unknown.status == 2 and b"x86-64-v9" in unknown.stderr, "an unknown baseline is taken", unknown)

    trace = space.trace()
    programs.prepare([programs.built("trace_that_needs"), "warp_drive", trace])
    refused = rectest.replay(trace)
    rectest.check(refused.status == 1, "a replay without a needed feature is not refused", refused)
    rectest.check(b"it lacks: warp_drive" in refused.stderr, "the refusal does not name the feature", refused)


programs.main(test)
