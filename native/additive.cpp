// The additive score of attention over a batch: sequence by sequence, by whoever comes.
#include "additive.h"

#include <algorithm>
#include <stdexcept>

#include "checks.h"
#include "threads.h"

namespace elman {
namespace {

template <class T>
struct Scores {
    const elman_additive_call& call;
    const Kernels<T>& kernels;

    // one sequence and one head of it
    void one(long piece) const {
        const long by_query = long(call.queries * call.width), by_step = long(call.steps * call.width), pairs = long(call.queries * call.steps);
        const T *s = static_cast<const T*>(call.s) + piece * by_query, *h = static_cast<const T*>(call.h) + piece * by_step;
        const T* v = static_cast<const T*>(call.v) + piece % call.heads * call.width;
        if (!call.g)
            return kernels.additive(s, h, v, long(call.queries), long(call.steps), long(call.width), static_cast<T*>(call.scores) + piece * pairs);
        kernels.additive_back(s, h, v, long(call.queries), long(call.steps), long(call.width), static_cast<const T*>(call.g) + piece * pairs,
                              static_cast<T*>(call.ds) + piece * by_query, static_cast<T*>(call.dh) + piece * by_step,
                              static_cast<T*>(call.dv) + piece * call.width);
    }

    void operator()() {
        const long pieces = long(call.sequences * call.heads), threads = call.threads < pieces ? long(call.threads) : pieces;
        if (threads <= 1) {
            for (long i = 0; i < pieces; i++) one(i);
            return;
        }
        const Stage stage{int(pieces), 1, [](void* p, int piece, int, int, int) { static_cast<Scores*>(p)->one(piece); }};
        run(std::make_shared<Job>(int(threads), std::vector<Stage>{stage}, this, 0), call.own_threads != 0);
    }
};

void check(const elman_additive_call& c) {
    const char* const what = "the additive score";
    product({c.sequences, c.heads, c.queries, c.width}, what), product({c.sequences, c.heads, c.steps, c.width}, what);
    product({c.sequences, c.heads, c.queries, c.steps}, what);
    if (c.threads < 1 || std::max(c.threads, c.sequences * c.heads) > most_pieces) throw std::invalid_argument("a size of the additive score is out of range");
    if (!c.s || !c.h || !c.v) throw std::invalid_argument("the additive score needs s, h and v");
    if (c.g ? !c.ds || !c.dh || !c.dv : !c.scores) throw std::invalid_argument("the additive score has no place for its results");
    for (int64_t yes : {c.is_double, c.own_threads})
        if (yes != 0 && yes != 1) throw std::invalid_argument("a yes or no of the additive score that is neither");
    const int64_t rows = c.sequences * c.heads, s = rows * c.queries * c.width, h = rows * c.steps * c.width, v = c.heads * c.width;
    const int64_t pairs = rows * c.queries * c.steps, size = c.is_double ? sizeof(double) : sizeof(float);
    Apart memory(what);
    const auto lies = [&](const void* at, int64_t extent, int64_t wanted, bool written) {
        if (extent != wanted) throw std::invalid_argument("a tensor of the additive score is of another size");
        memory.add(at, extent, size, written);
    };
    lies(c.s, c.s_extent, s, false), lies(c.h, c.h_extent, h, false), lies(c.v, c.v_extent, v, false), lies(c.g, c.g_extent, c.g ? pairs : 0, false);
    if (c.g)
        lies(c.ds, c.ds_extent, s, true), lies(c.dh, c.dh_extent, h, true), lies(c.dv, c.dv_extent, rows * c.width, true);
    else
        lies(c.scores, c.scores_extent, pairs, true);
}

}  // namespace

void additive(const elman_additive_call& call, const InstructionSet& set) {
    check(call);
    if (call.is_double)
        Scores<double>{call, *set.f64}();
    else
        Scores<float>{call, *set.f32}();
}

}  // namespace elman
