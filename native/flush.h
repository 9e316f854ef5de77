// Numbers too small to be normal count as zero while a Flush lives, in the thread that made it.
//
// A gradient that vanishes passes through them on its way to zero, and a processor takes a hundred cycles for one of them.
#pragma once

#include <cstdint>

#if defined(__SSE__) || defined(_M_X64)
#include <xmmintrin.h>
#endif

namespace elman {

class Flush {
public:
    Flush() : kept_(mode()) { set(kept_ | bits); }
    ~Flush() { set((mode() & ~bits) | (kept_ & bits)); }  // flags that were raised in the meantime stay so
    Flush(const Flush&) = delete;
    Flush& operator=(const Flush&) = delete;

private:
#if defined(__SSE__) || defined(_M_X64)
    using Mode = unsigned;
    static constexpr Mode bits = 0x8040;  // of results, and of what is read
    static Mode mode() { return _mm_getcsr(); }
    static void set(Mode mode) { _mm_setcsr(mode); }
#elif defined(__aarch64__) && defined(__GNUC__)
    using Mode = uint64_t;
    static constexpr Mode bits = uint64_t(1) << 24;
    static Mode mode() {
        Mode found;
        asm volatile("mrs %0, fpcr" : "=r"(found)::"memory");
        return found;
    }
    static void set(Mode mode) { asm volatile("msr fpcr, %0" ::"r"(mode) : "memory"); }
#else
    using Mode = unsigned;
    static constexpr Mode bits = 0;
    static Mode mode() { return 0; }
    static void set(Mode) {}
#endif

    const Mode kept_;
};

}  // namespace elman
