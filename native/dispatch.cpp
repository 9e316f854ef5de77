// Which instruction set runs: the best that the processor and the operating system offer, or the one in ELMAN_ISA.
#include <cstdlib>
#include <cstring>
#include <string>

#include "kernels.h"

namespace elman {

#define ELMAN_SET(name)                        \
    extern const Kernels<float> f32_##name;    \
    extern const Kernels<double> f64_##name;   \
    static const InstructionSet set_##name = {#name, &f32_##name, &f64_##name};

ELMAN_SET(portable)
#if defined(ELMAN_X86)
ELMAN_SET(v2)
ELMAN_SET(v3)
ELMAN_SET(v4)
#if defined(ELMAN_WIDE)
ELMAN_SET(wide)  // tests: the code of v4 at its width, on a processor without its instructions
#endif
#endif

#if defined(ELMAN_BF16)
extern const Halves halves_v4;
#endif
#if defined(ELMAN_WIDE)
extern const Halves halves_wide;
#endif
#if defined(ELMAN_PORTABLE_HALVES)  // for the sanitizers
extern const Halves halves_portable;
#endif

namespace {

struct Choice {
    const InstructionSet* set;
    bool runs;
};

// Best first. The level names are those of the x86-64 psABI; __builtin_cpu_supports asks the operating system too.
const Choice* choices(int* count) {
#if defined(ELMAN_X86)
    static const Choice all[] = {
        {&set_v4, __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                      __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
                      __builtin_cpu_supports("avx512vl")},
        {&set_v3, __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2")},
        {&set_v2, __builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("popcnt")},
        {&set_portable, true},
#if defined(ELMAN_WIDE)
        {&set_wide, __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")},
#endif
    };
#else
    static const Choice all[] = {{&set_portable, true}};
#endif
    *count = sizeof all / sizeof *all;
    return all;
}

}  // namespace

const InstructionSet* instruction_set() {
    static const InstructionSet* const chosen = [] {
        int n;
        const Choice* all = choices(&n);
        const char* asked = std::getenv("ELMAN_ISA");
        for (int i = 0; i < n; i++)
            if (all[i].runs && (!asked || !*asked || !std::strcmp(asked, all[i].set->name))) return all[i].set;
        return static_cast<const InstructionSet*>(nullptr);
    }();
    return chosen;
}

const Halves* halves([[maybe_unused]] const InstructionSet& set) {
#if defined(ELMAN_BF16)
    static const bool there = __builtin_cpu_supports("avx512bf16");
    if (&set == &set_v4 && there) return &halves_v4;
#endif
#if defined(ELMAN_X86) && defined(ELMAN_WIDE)
    if (&set == &set_wide) return &halves_wide;
#endif
#if defined(ELMAN_PORTABLE_HALVES)
    if (&set == &set_portable) return &halves_portable;
#endif
    return nullptr;
}

const char* instruction_sets() {
    static const std::string names = [] {
        std::string s;
        int n;
        const Choice* all = choices(&n);
        for (int i = 0; i < n; i++)
            if (all[i].runs) s += (s.empty() ? "" : ",") + std::string(all[i].set->name);
        return s;
    }();
    return names.c_str();
}

}  // namespace elman
