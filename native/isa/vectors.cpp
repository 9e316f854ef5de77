// CBOW and skip-gram with negative sampling. Compiled once for each instruction set, ELMAN_ISA.
//
// The readable version is elman/text/vectors/reference.py, and this one equals it bit for bit on one thread,
// on every one: a dot product is always 16 partial sums added as a tree, and products and sums are never
// contracted into fused ones (-ffp-contract=off). What makes it fast, in order of worth:
//   - positives in a row share their noise words, whose rows then stay in the first cache (Ji et al. 2016,
//     "Parallelizing Word2Vec in Shared and Distributed Memory", share them within a window);
//   - rows are prefetched before their turn, since which words come next is known;
//   - the noise comes from a table drawn in advance and read in order: no random number, no search;
//   - one pass over a row both collects the error and updates the row, with the error in registers.
#include "../vectors.h"

#include "simd.h"

#define ELMAN_JOIN_(a, b) a##b
#define ELMAN_JOIN(a, b) ELMAN_JOIN_(a, b)

namespace {

constexpr int LANES = 16;                 // partial sums of a dot product, whatever the processor's width
constexpr int WIDTH = lanes_of<float>;
constexpr int PARTS = LANES / WIDTH;      // vectors in a block of 16 floats
using Floats = Vec<float>;

// 16 partial sums to one: lane i + lane i+8, then i+4, i+2, i+1.
ELMAN_INLINE float tree(Floats (&sum)[PARTS]) {
    for (int half = PARTS / 2; half; half /= 2)
        for (int p = 0; p < half; ++p) sum[p] += sum[p + half];
    float lane[WIDTH];
    store(lane, sum[0]);
    for (int half = WIDTH / 2; half > 2; half /= 2)
        for (int i = 0; i < half; ++i) lane[i] += lane[i + half];
    return (lane[0] + lane[2]) + (lane[1] + lane[3]);
}

// dots of h with N rows at once, so that h is loaded once for all of them
template <int N>
ELMAN_INLINE void dots(const float* h, float* const* row, int blocks, float* out) {
    Floats sum[N][PARTS] = {};
    for (int b = 0; b < blocks; ++b)
        for (int p = 0; p < PARTS; ++p) {
            const int at = b * LANES + p * WIDTH;
            const Floats x = load<float>(h + at);
            for (int n = 0; n < N; ++n) sum[n][p] += x * load<float>(row[n] + at);
        }
    for (int n = 0; n < N; ++n) out[n] = tree(sum[n]);
}

struct Random {  // 31 bits a draw; Knuth's 64-bit linear congruential generator
    uint64_t state;
    uint32_t next() {
        state = state * 6364136223846793005ULL + 1442695040888963407ULL;
        return static_cast<uint32_t>(state >> 33);
    }
    uint32_t below(uint32_t n) { return static_cast<uint32_t>((static_cast<uint64_t>(next()) * n) >> 31); }
};

constexpr int MOST_ROWS = 64;  // one positive and its negatives

// One example of negative sampling: classify `target` (label 1) against K noise words (label 0) from h.
// Updates the rows of `output`, leaves dL/dh, already times the learning rate, in `error`.
template <int BLOCKS>
ELMAN_INLINE void classify(const ElmanVectorsJob& job, const float* h, float* error, int32_t target, const int32_t* noise,
                     float rate) {
    const int blocks = BLOCKS ? BLOCKS : job.stride / LANES, rows = job.negative + 1;
    float* row[MOST_ROWS];
    float g[MOST_ROWS];
    row[0] = job.output + static_cast<int64_t>(target) * job.stride;
    for (int k = 1; k < rows; ++k) row[k] = job.output + static_cast<int64_t>(noise[k - 1]) * job.stride;

    int k = 0;
    for (; k + 4 <= rows; k += 4) dots<4>(h, row + k, blocks, g + k);
    for (; k < rows; ++k) dots<1>(h, row + k, blocks, g + k);
    for (k = 0; k < rows; ++k) {  // g = (label - sigmoid(h . row)) * rate
        const float label = k == 0 ? 1.0f : 0.0f;
        float p = g[k] > 0 ? 1.0f : 0.0f;
        if (g[k] > -8.0f && g[k] < 8.0f) p = job.sigmoid[static_cast<int>((g[k] + 8.0f) * (job.sigmoid_size / 16))];
        g[k] = (label - p) * rate;
        if (k && noise[k - 1] == target) g[k] = 0.0f;  // drew the answer itself
    }
    for (int b = 0; b < blocks; ++b) {
        Floats x[PARTS], e[PARTS];
        for (int p = 0; p < PARTS; ++p) x[p] = load<float>(h + b * LANES + p * WIDTH), e[p] = spread(0.0f);
        for (k = 0; k < rows; ++k) {
            const Floats gk = spread(g[k]);
            for (int p = 0; p < PARTS; ++p) {
                float* at = row[k] + b * LANES + p * WIDTH;
                const Floats r = load<float>(at);
                e[p] += gk * r;
                store(at, r + gk * x[p]);
            }
        }
        for (int p = 0; p < PARTS; ++p) store(error + b * LANES + p * WIDTH, e[p]);
    }
}

template <int BLOCKS>
ELMAN_INLINE void add(float* to, const float* from, int stride) {
    const int n = BLOCKS ? BLOCKS * LANES : stride;
    for (int i = 0; i < n; i += WIDTH) store(to + i, load<float>(to + i) + load<float>(from + i));
}

template <int BLOCKS>
ELMAN_INLINE void scale(float* v, float by, int stride) {
    const int n = BLOCKS ? BLOCKS * LANES : stride;
    for (int i = 0; i < n; i += WIDTH) store(v + i, load<float>(v + i) * spread(by));
}

template <int BLOCKS>
ELMAN_INLINE void prefetch(const float* matrix, int32_t word, int stride) {
#if defined(__GNUC__)
    const float* row = matrix + static_cast<int64_t>(word) * stride;
    for (int i = 0; i < (BLOCKS ? BLOCKS * LANES : stride); i += LANES) __builtin_prefetch(row + i, 1);
#else
    (void)matrix, (void)word, (void)stride;
#endif
}

// Noise words for one positive after another: K from the table, kept for `share_noise` positives, while the rows of
// the K that follow are fetched, some at each positive.
template <int BLOCKS>
struct Noise {
    const ElmanVectorsJob& job;
    int64_t cursor;
    const int32_t* now = nullptr;
    int32_t used = 0;

    const int32_t* next() {
        if (!now || used == job.share_noise) {
            now = job.negatives + cursor;  // the table ends with a copy of its beginning: K words are there
            cursor += job.negative;
            if (cursor >= job.n_negatives) cursor -= job.n_negatives;
            used = 0;
        }
        const int from = job.negative * used / job.share_noise, to = job.negative * (used + 1) / job.share_noise;
        for (int k = from; k < to; ++k) prefetch<BLOCKS>(job.output, job.negatives[cursor + k], job.stride);
        ++used;
        return now;
    }
};

template <int BLOCKS>
void run_chunk(const ElmanVectorsJob& job, int64_t chunk, const ElmanVectorsScratch& my) {
    const int stride = BLOCKS ? BLOCKS * LANES : job.stride;
    const int64_t begin = chunk * job.chunk;
    const int64_t end = begin + job.chunk < job.n_tokens ? begin + job.chunk : job.n_tokens;
    const double done = static_cast<double>(job.epoch * job.chunks + chunk) / static_cast<double>(job.epochs * job.chunks);
    const float rate = static_cast<float>(job.rate + (job.last_rate - job.rate) * done);

    // every chunk of every epoch has its own random numbers, whichever thread works on it
    Random random{job.seed + 0x9E3779B97F4A7C15ULL * static_cast<uint64_t>(job.epoch * job.chunks + chunk + 1)};
    random.next(), random.next();
    const uint64_t draw = (static_cast<uint64_t>(random.next()) << 31) | random.next();
    Noise<BLOCKS> noise{job, static_cast<int64_t>(draw % static_cast<uint64_t>(job.n_negatives))};

    for (int64_t t = begin; t < end;) {
        int32_t* w = my.words;  // one text, or what of it lies in this chunk, without the tokens that subsampling drops
        int64_t n = 0;
        for (; t < end && job.tokens[t] >= 0; ++t)
            if (random.next() < job.keep[job.tokens[t]]) w[n++] = job.tokens[t];
        ++t;
        for (int64_t i = 0; i < n; ++i) {
            const int64_t reach = job.window - random.below(job.window);
            const int64_t from = i - reach > 0 ? i - reach : 0, to = i + reach + 1 < n ? i + reach + 1 : n;
            if (to - from < 2) continue;
            // the rows that the next positions are the first to touch
            if (i + 2 < n) prefetch<BLOCKS>(job.output, w[i + 2], stride);
            if (i + job.window + 2 < n) prefetch<BLOCKS>(job.input, w[i + job.window + 2], stride);
            if (job.skip_gram) {
                for (int64_t c = from; c < to; ++c) {
                    if (c == i) continue;
                    float* h = job.input + static_cast<int64_t>(w[c]) * stride;
                    classify<BLOCKS>(job, h, my.error, w[i], noise.next(), rate);
                    add<BLOCKS>(h, my.error, stride);
                }
                continue;
            }
            const float share = 1.0f / static_cast<float>(to - from - 1);
            std::memset(my.h, 0, sizeof(float) * stride);
            for (int64_t c = from; c < to; ++c)
                if (c != i) add<BLOCKS>(my.h, job.input + static_cast<int64_t>(w[c]) * stride, stride);
            scale<BLOCKS>(my.h, share, stride);
            classify<BLOCKS>(job, my.h, my.error, w[i], noise.next(), rate);
            if (job.share_error) scale<BLOCKS>(my.error, share, stride);
            for (int64_t c = from; c < to; ++c)
                if (c != i) add<BLOCKS>(job.input + static_cast<int64_t>(w[c]) * stride, my.error, stride);
        }
    }
}

}  // namespace

extern "C" void ELMAN_JOIN(elman_vectors_chunk_, ELMAN_ISA)(const ElmanVectorsJob* job, int64_t chunk,
                                                             const ElmanVectorsScratch* my) {
    switch (job->stride / LANES) {
        case 4: return run_chunk<4>(*job, chunk, *my);    // 50, 64
        case 7: return run_chunk<7>(*job, chunk, *my);    // 100
        case 8: return run_chunk<8>(*job, chunk, *my);    // 128
        case 13: return run_chunk<13>(*job, chunk, *my);  // 200
        case 19: return run_chunk<19>(*job, chunk, *my);  // 300
        default: return run_chunk<0>(*job, chunk, *my);
    }
}
