// The loss of CTC and the additive score by one thread, by three, and from several threads at once.
#include <cstdio>

#include "driver.h"

namespace driver {
namespace {

// losses and derivatives, and which were left to others
template <class T>
std::vector<double> losses(int64_t threads) {
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
    const elman_ctc_call call = {sizeof(T) == 8, steps, B, V, 0, threads, 1, scores.data(), lengths, targets.data(), starts, found.data(), gradient.data(), left};
    if (elman_ctc(&call) < 0) return std::fprintf(stderr, "%s\n", elman_error()), std::vector<double>();
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
        const elman_additive_call call = {sizeof(T) == 8, B, K, Q, S, A, threads, 1, s.data(), h.data(), v.data(), gradient, found.data(), ds.data(), dh.data(), dv.data()};
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

}  // namespace

bool finds_losses() {
    return agree(losses<float>, "CTC") && agree(losses<double>, "CTC in double precision") && agree(scores<float>, "the additive score") &&
           agree(scores<double>, "the additive score in double precision");
}

}  // namespace driver
