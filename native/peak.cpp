// The yardstick: what this processor can do at most, measured in the same run as everything that is compared with it.
//
// elman_peak_flops: fused multiply-adds on registers alone, the ceiling of any product.
// elman_l2_flops:   a matrix-vector product whose matrix lies in the second-level cache: two operations a value read,
//                   the ceiling of one sequence at a time.
// Both run on the calling thread; call them from as many threads as are to be measured.

#include <chrono>
#include <cstdint>
#include <vector>

namespace {

template <class Work>
double gflops(double seconds, double operations, Work work) {
    using clock = std::chrono::steady_clock;
    double best = 0;
    const auto end = clock::now() + std::chrono::duration<double>(seconds);
    do {  // the best of many short spans: what the machine can do, not what its neighbours leave
        const auto start = clock::now();
        work();
        const double took = std::chrono::duration<double>(clock::now() - start).count();
        if (operations / took > best) best = operations / took;
    } while (clock::now() < end);
    return best * 1e-9;
}

// Twelve independent chains hide the latency of the multiply-add on every processor we know.
constexpr int kChains = 12, kRounds = 20000;
volatile float sink;

#define ELMAN_PEAK(NAME, TARGET, BYTES)                                                           \
    __attribute__((target(TARGET))) double peak_##NAME(double seconds) {                          \
        typedef float V __attribute__((vector_size(BYTES)));                                      \
        V a[kChains];                                                                             \
        for (int i = 0; i < kChains; ++i) a[i] = V{} + float(i) * 1e-3f;                          \
        const V m = V{} + 0.999f, c = V{} + 1e-3f;                                                \
        const double each = 2.0 * kChains * kRounds * (BYTES / 4);                                \
        const double found = gflops(seconds, each, [&]() __attribute__((target(TARGET))) {        \
            V b[kChains];                                                                         \
            _Pragma("GCC unroll 12") for (int i = 0; i < kChains; ++i) b[i] = a[i];               \
            for (int r = 0; r < kRounds; ++r)                                                     \
                _Pragma("GCC unroll 12") for (int i = 0; i < kChains; ++i) b[i] = b[i] * m + c;   \
            _Pragma("GCC unroll 12") for (int i = 0; i < kChains; ++i) a[i] = b[i];               \
        });                                                                                       \
        for (int i = 1; i < kChains; ++i) a[0] += a[i];                                           \
        sink = a[0][0];                                                                           \
        return found;                                                                             \
    }                                                                                             \
    __attribute__((target(TARGET))) double l2_##NAME(double seconds, int64_t bytes) {             \
        typedef float V __attribute__((vector_size(BYTES)));                                      \
        const int64_t n = bytes / int64_t(sizeof(V)) / 8 * 8;                                     \
        std::vector<float> memory(n * (BYTES / 4) + BYTES / 4, 0.5f);                             \
        const V* w = reinterpret_cast<const V*>((reinterpret_cast<uintptr_t>(memory.data()) +     \
                                                 BYTES - 1) / BYTES * BYTES);                     \
        V a[8] = {};                                                                              \
        const V x = V{} + 1e-3f;                                                                  \
        const double found = gflops(seconds, 2.0 * 16 * n * (BYTES / 4),                          \
                                    [&]() __attribute__((target(TARGET))) {                       \
            V b[8];                                                                               \
            _Pragma("GCC unroll 8") for (int j = 0; j < 8; ++j) b[j] = a[j];                      \
            for (int r = 0; r < 16; ++r)                                                          \
                for (int64_t i = 0; i + 8 <= n; i += 8)                                           \
                    _Pragma("GCC unroll 8") for (int j = 0; j < 8; ++j) b[j] += w[i + j] * x;     \
            _Pragma("GCC unroll 8") for (int j = 0; j < 8; ++j) a[j] = b[j];                      \
        });                                                                                       \
        for (int j = 1; j < 8; ++j) a[0] += a[j];                                                 \
        sink = a[0][0];                                                                           \
        return found;                                                                             \
    }

ELMAN_PEAK(v2, "sse4.2", 16)
#if defined(__x86_64__)
ELMAN_PEAK(v3, "avx2,fma", 32)
ELMAN_PEAK(v4, "avx512f,avx512vl,avx512dq,avx512bw,fma", 64)
#endif

}  // namespace

extern "C" __attribute__((visibility("default"))) double elman_peak_flops(double seconds) {
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq")) return peak_v4(seconds);
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return peak_v3(seconds);
#endif
    return peak_v2(seconds);
}

extern "C" __attribute__((visibility("default"))) double elman_l2_flops(double seconds, int64_t bytes) {
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq")) return l2_v4(seconds, bytes);
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return l2_v3(seconds, bytes);
#endif
    return l2_v2(seconds, bytes);
}
