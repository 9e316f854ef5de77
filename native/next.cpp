// One unit further in N texts, and a unit drawn of what follows: all that lies between two units in one call, since around
// the weights, which come through the caches anew at every step, code that was not called just now is slow as well.
#include "next.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "handles.h"
#include "opcodes.h"
#include "threads.h"

namespace elman {
namespace {

constexpr double none = -std::numeric_limits<double>::infinity();

// Eight at a time, or each would wait for the one before.
template <class T, class F>
T reduced(const T* at, long n, T first, F f) {
    constexpr long lanes = 8;
    T part[lanes];
    std::fill(part, part + lanes, first);
    long i = 0;
    for (; i + lanes <= n; i += lanes)
        for (long j = 0; j < lanes; j++) part[j] = f(part[j], at[i + j]);
    for (; i < n; i++) part[0] = f(part[0], at[i]);
    for (long j = 1; j < lanes; j++) part[0] = f(part[0], part[j]);
    return part[0];
}
template <class T>
T largest(const T* at, long n) {
    return reduced(at, n, -std::numeric_limits<T>::infinity(), [](T a, T b) { return b > a ? b : a; });
}

void exponentials(const Kernels<double>& kernels, double* at, long n) {
    const Instruction code{int(Op::exp), 0, 0, 0, 0, 0, 0.0};
    const SlotKind kind = SlotKind::plane;
    double *base[] = {at}, *room[1];
    kernels.pointwise(&code, 1, base, room, &kind, 1, 1, n, 0, n);
}

template <class T>
struct Next {
    const elman_next& text;
    const Kernels<T>& kernels;
    const Kernels<double>& doubles;
    const long rows = long(text.rows), V = long(text.units), E = long(text.width), H = long(text.known);

    void step(const int64_t* units, void* before, void* after) {
        for (long n = 0; n < rows; n++) {
            const T *from = static_cast<const T*>(text.embedding) + units[n] * E, scale = T(text.scale);
            T* x = static_cast<T*>(text.x) + n * E;
            for (long j = 0; j < E; j++) x[j] = from[j] * scale;
        }
        put_states(text, before, after);
        for (int64_t k = 0; k < text.layers; k++) text.layer[k].step->run();
        if (!text.weight) return;
        const long panels = panels_of(kernels, V);
        if (text.threads <= 1)
            scores(0, panels);
        else {
            const Stage stage{2 * int(text.threads), 1, [](void* p, int i, int, int, int) {
                                  const Next& next = *static_cast<const Next*>(p);
                                  const long pieces = 2 * long(next.text.threads), panels = panels_of(next.kernels, next.V);
                                  next.scores(panels * i / pieces, panels * (i + 1) / pieces);
                              }};
            run(std::make_shared<Job>(int(text.threads), std::vector<Stage>{stage}, this, 0), text.own_threads != 0);
        }
        for (long n = 0; n < rows; n++) log_softmax(static_cast<const T*>(text.scores) + n * V, text.log_probs + n * V);
    }

    void scores(long first, long last) const {
        if (text.eight) {
            kernels.multiply_eight(static_cast<const T*>(text.h), H, rows, text.weight, V, H, static_cast<T*>(text.scores), V,
                                   text.bias ? Start::vector : Start::zero, static_cast<const T*>(text.bias), first, last);
            return;
        }
        kernels.multiply_unpacked(static_cast<const T*>(text.h), H, rows, static_cast<const T*>(text.weight), V, H, H, 1, static_cast<T*>(text.scores), V,
                                  text.bias ? Start::vector : Start::zero, static_cast<const T*>(text.bias), first, last);
    }

    void log_softmax(const T* scores, double* to) const {
        const T best = largest(scores, V);
        for (long i = 0; i < V; i++) to[i] = text.room[i] = double(scores[i]) - double(best);
        exponentials(doubles, text.room, V);
        const double whole = std::log(sum(text.room));
        for (long i = 0; i < V; i++) to[i] -= whole;
    }

    double sum(const double* at) const {
        return reduced(at, V, 0.0, [](double a, double b) { return a + b; });
    }

    // A unit by the inverse of the distribution function; -1 where none is possible, -2 where scores are no numbers.
    int64_t drawn(const elman_draws& how, bool barred, double chance) const {
        double* p = text.room;
        if (std::isnan(sum(text.log_probs))) return -2;
        std::copy(text.log_probs, text.log_probs + V, p);
        for (int64_t i = 0; i < how.banned_count; i++) p[how.banned[i]] = none;
        if (barred) p[how.end] = none;
        const double best = largest(p, V);
        if (best == none) return -1;
        for (long i = 0; i < V; i++) p[i] = (p[i] - best) / how.temperature;
        exponentials(doubles, p, V);
        double below = 0;
        for (long i = 0; i < V; i++) p[i] = below += p[i];
        const double at = below * std::min(chance, 1 - 1e-12);  // below the whole, however it was rounded
        return std::min(std::upper_bound(p, p + V, at) - p, V - 1);
    }
};

// This thread's turn at all of a text's layers.
class Turns {
public:
    explicit Turns(const elman_next& text) {
        for (int64_t k = 0; k < text.layers; k++) turns_.push_back(std::make_unique<Turn>(*text.layer[k].step));
    }

private:
    std::vector<std::unique_ptr<Turn>> turns_;
};

template <class F>
auto of_type(const elman_next& text, const InstructionSet& set, F f) {
    if (text.is_double) {
        Next<double> next{text, *set.f64, *set.f64};
        return f(next);
    }
    Next<float> next{text, *set.f32, *set.f64};
    return f(next);
}

}  // namespace

void next(const elman_next& text, const InstructionSet& set, const int64_t* units, void* before, void* after) {
    check_text(text, set);
    const Turns turns(text);
    check_layers(text);
    check_places(text, units, before, after, nullptr);
    of_type(text, set, [&](auto& n) { n.step(units, before, after); });
}

int64_t draw(const elman_next& text, const InstructionSet& set, const elman_draws& how, int64_t unit, void* one, void* other,
             const double* chances, int64_t count, int64_t* units, double* log_probs) {
    check_text(text, set);
    const Turns turns(text);
    check_layers(text);
    const Drawing drawing{how, chances, count, units, log_probs};
    check_places(text, &unit, one, other, &drawing);
    return of_type(text, set, [&](auto& next) {
        void *before = one, *after = other;
        for (int64_t i = 0; i < count; i++, std::swap(before, after)) {
            next.step(&unit, before, after);
            const int64_t found = next.drawn(how, how.end >= 0 && i < how.unended, chances[i]);
            if (found == -2) return int64_t(-2);
            units[i] = unit = std::max<int64_t>(found, 0);
            log_probs[i] = found < 0 ? none : std::min(text.log_probs[unit], 0.0);
            for (int64_t j = 0; j < how.banned_count; j++)
                if (how.banned[j] == unit) log_probs[i] = none;
            if (log_probs[i] == none || unit == how.end) return i + 1;
        }
        return count;
    });
}

}  // namespace elman
