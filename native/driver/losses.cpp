// The loss of CTC and the additive score by one thread, by three, and from several threads at once; and where memory runs
// out, in whichever thread, the call says so and the next one is right.
#include <cstdio>

#include "driver.h"

namespace driver {
namespace {

// losses and derivatives, and which were left to others. given: how often memory is, before it is refused; -1: always.
template <class T>
std::vector<double> losses(int64_t threads, int64_t given = -1) {
    constexpr int64_t steps = 12, B = 7, V = 6;
    const auto scores = numbers<T>(size_t(steps * B * V), 5);
    int64_t lengths[B], starts[B + 1] = {0}, left[B];
    std::vector<int64_t> targets;
    for (int64_t b = 0; b < B; b++) {
        lengths[b] = 1 + (b * 5 + 8) % steps;
        for (int64_t i = 0; i < b; i++) targets.push_back(1 + (i * i + b) % (V - 1));  // the longest is too long for its frames
        starts[b + 1] = int64_t(targets.size());
    }
    std::vector<T> found(B), gradient(size_t(steps * B * V));
    const elman_ctc_call call = {sizeof(T) == 8, steps, B, V, 0, threads, 1, scores.data(), lengths, targets.data(), starts, found.data(), gradient.data(), left,
                                  steps * B * V, B, int64_t(targets.size()), B + 1, B, steps * B * V, B};
    left_to_give.store(given);
    const bool failed = elman_ctc(&call) < 0;
    left_to_give.store(-1);
    if (failed && given < 0) std::fprintf(stderr, "%s\n", elman_error());
    if (failed) return {};
    std::vector<double> all(found.begin(), found.end());
    all.insert(all.end(), gradient.begin(), gradient.end());
    all.insert(all.end(), left, left + B);
    return all;
}

template <class T>
std::vector<double> scores(int64_t threads) {
    constexpr int64_t B = 5, K = 2, Q = 3, S = 4, A = 11;
    const auto s = numbers<T>(size_t(B * K * Q * A), 1), h = numbers<T>(size_t(B * K * S * A), 2), v = numbers<T>(size_t(K * A), 3), g = numbers<T>(size_t(B * K * Q * S), 4);
    std::vector<T> found(g.size()), ds(s.size()), dh(h.size()), dv(size_t(B * K * A));
    for (const void* gradient : {static_cast<const void*>(nullptr), static_cast<const void*>(g.data())}) {
        const elman_additive_call call = {sizeof(T) == 8, B, K, Q, S, A, threads, 1, s.data(), h.data(), v.data(), gradient, found.data(), ds.data(), dh.data(), dv.data(),
                                          B * K * Q * A, B * K * S * A, K * A, gradient ? B * K * Q * S : 0, B * K * Q * S, B * K * Q * A, B * K * S * A, B * K * A};
        if (elman_additive(&call) < 0) return std::fprintf(stderr, "%s\n", elman_error()), std::vector<double>();
    }
    std::vector<double> all(found.begin(), found.end());
    for (const auto* more : {&ds, &dh, &dv}) all.insert(all.end(), more->begin(), more->end());
    return all;
}

template <class F>
bool agree(F f, const char* what) {
    const auto alone = f(1);
    if (at_once([&](int i) { return same(f(1 + i), alone); })) return true;
    return std::printf("%s: not the same bits\n", what), false;
}

// Each memory that a call asks for is refused once.
bool says_that_memory_ran_out() {
    const auto right = losses<double>(1);
    int failed = 0;
    for (int64_t n = 0;; n++) {
        const auto found = losses<double>(3, n);
        if (!found.empty()) return failed > 20 && same(found, right);
        if (std::strcmp(elman_error(), "std::bad_alloc")) return std::printf("CTC without memory: %s\n", elman_error()), false;
        if (!same(losses<double>(3), right)) return std::puts("CTC after memory ran out: not the same bits"), false;
        failed++;
    }
}

}  // namespace

bool finds_losses() {
    return says_that_memory_ran_out() && agree([](int64_t n) { return losses<float>(n); }, "CTC") &&
           agree([](int64_t n) { return losses<double>(n); }, "CTC in double precision") && agree(scores<float>, "the additive score") &&
           agree(scores<double>, "the additive score in double precision");
}

}  // namespace driver
