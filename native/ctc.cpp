// -ln p(text | frames) of a batch and its derivative, sequence by sequence, by whoever comes.
//
// Forward and backward variables (Graves et al. 2006, eq. 5-11) are probabilities in double precision, brought to a sum
// of 1 in each frame: a cell costs sums and products rather than logarithms. Only places of the text take part that can be
// reached from its beginning and from which its end can. Forward and backward together give the same likelihood in every
// frame; where they do not, something was lost below the smallest number, and the sequence is left to whoever computes in
// logarithms.
#include "ctc.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <stdexcept>
#include <vector>

#include "checks.h"
#include "threads.h"

namespace elman {
namespace {

constexpr double lost = 1e-6;  // difference of two logarithms that are one, relative to them
constexpr double most_unlikely = 100;  // in nats

double total(const double* x, long n) {
    double a = 0, b = 0, c = 0, d = 0;  // apart, so that none waits for the others
    long i = 0;
    for (; i + 4 <= n; i += 4) a += x[i], b += x[i + 1], c += x[i + 2], d += x[i + 3];
    for (; i < n; i++) a += x[i];
    return (a + b) + (c + d);
}

// One text in one recording: 2 L + 1 places, blanks before, between and behind its symbols.
template <class T>
class Text {
public:
    Text(const elman_ctc_call& call, long b)
        : call_(call), frames_(long(call.lengths[b])), row_(long(call.sequences * call.symbols)), text_(call.targets + call.starts[b]),
          size_(long(call.starts[b + 1] - call.starts[b])), places_(2 * size_ + 1),
          scores_(static_cast<const T*>(call.log_probs) + b * call.symbols), gradient_(static_cast<T*>(call.gradient) + b * call.symbols) {}

    // Zeros everywhere: of what is out of reach nothing is learned.
    void clear() {
        for (long t = 0; t < long(call_.steps); t++)
            for (long k = 0; k < long(call_.symbols); k++) gradient_[t * row_ + k] = T(0);
    }
    bool reachable() const {
        long needed = size_;
        for (long i = 1; i < size_; i++) needed += text_[i] == text_[i - 1];
        return needed <= frames_;
    }
    // Whether the loss was found, and the gradient written. Every path takes each symbol once: a factor on taking one changes
    // no share of any, and keeps the variables of a text of unlikely symbols from running out of range.
    bool run(double* loss) {
        y_.resize(size_t(frames_ * places_));
        alpha_.assign(size_t(frames_ * (places_ + 2)), 0.0);
        skip_.assign(size_t(places_ + 2), 0.0);
        enter_.assign(size_t(places_ + 2), 1.0);
        double tops = 0, scales = 0, unlikely = 0;
        if (!emissions(&tops, &unlikely)) return false;
        const double factor = unlikely > 0 ? (unlikely < most_unlikely ? unlikely : most_unlikely) : 0;
        for (long i = 0; i < size_; i++) {
            enter_[size_t(2 * i + 1)] = std::exp(factor);
            if (i && text_[i] != text_[i - 1]) skip_[size_t(2 * i + 1)] = std::exp(factor);
        }
        if (!forward(&scales)) return false;
        *loss = -(tops + scales - factor * double(size_));
        return backward(scales);
    }

private:
    long low(long t) const {
        const long s = places_ - 2 * (frames_ - t);
        return s > 0 ? s : 0;
    }
    long high(long t) const { return 2 * (t + 1) < places_ ? 2 * (t + 1) : places_; }

    // p of the symbol of each place in each frame, the greatest being 1; and by how many nats the text is less likely than
    // the blank, in the mean
    bool emissions(double* tops, double* unlikely) {
        std::vector<double> p(size_t(call_.symbols));
        for (long t = 0; t < frames_; t++) {
            const T* now = scores_ + t * row_;
            double* own = &y_[size_t(t * places_)];
            double top = now[call_.blank];
            double sum = 0;
            for (long i = 0; i < size_; i++) {
                const double symbol = now[text_[i]];
                top = symbol > top ? symbol : top;
                sum += symbol;
            }
            if (!(std::fabs(top) < HUGE_VAL)) return false;
            *tops += top;
            if (size_) *unlikely += (now[call_.blank] - sum / double(size_)) / double(frames_);
            const double blank = std::exp(now[call_.blank] - top);
            if (size_ > long(call_.symbols)) {
                for (long k = 0; k < long(call_.symbols); k++) p[size_t(k)] = std::exp(now[k] - top);
                for (long i = 0; i < size_; i++) own[2 * i + 1] = p[size_t(text_[i])];
            } else {
                for (long i = 0; i < size_; i++) own[2 * i + 1] = std::exp(now[text_[i]] - top);
            }
            for (long i = 0; i <= size_; i++) own[2 * i] = blank;
        }
        return true;
    }

    double* alpha(long t) { return &alpha_[size_t(t * (places_ + 2))] + 2; }  // behind two places that stay 0

    bool forward(double* scales) {
        logs_.assign(size_t(frames_), 0.0);
        for (long t = 0; t < frames_; t++) {
            double* a = alpha(t);
            const double *own = &y_[size_t(t * places_)], *skip = skip_.data(), *enter = enter_.data();
            const long from = low(t), to = high(t);
            if (t) {
                const double* before = alpha(t - 1);
                for (long s = from; s < to; s++) a[s] = (before[s] + enter[s] * before[s - 1] + skip[s] * before[s - 2]) * own[s];
            } else {
                for (long s = from; s < to; s++) a[s] = enter[s] * own[s];
            }
            const double sum = total(a + from, to - from), scale = 1 / sum;
            if (!(sum > 0) || !(scale < HUGE_VAL)) return false;
            for (long s = from; s < to; s++) a[s] *= scale;
            *scales += std::log(sum);
            logs_[size_t(t)] = *scales;
        }
        const long ends = places_ > 1 ? 2 : 1;
        const double last = total(alpha(frames_ - 1) + places_ - ends, ends);
        *scales += std::log(last);
        return last > 0;
    }

    bool backward(double whole) {
        std::vector<double> beta(size_t(places_ + 2), 0.0), next(size_t(places_ + 2), 0.0), both(size_t(places_), 0.0);
        double scales = 0;
        for (long t = frames_ - 1; t >= 0; t--) {
            const long from = low(t), to = high(t);
            double* b = beta.data();
            if (t == frames_ - 1) {
                for (long s = from; s < to; s++) b[s] = 1;
            } else {
                const double* own = &y_[size_t((t + 1) * places_)];
                double* n = next.data();
                const long left = low(t + 1), right = high(t + 1);
                for (long s = from; s < left; s++) n[s] = 0;
                for (long s = left; s < right; s++) n[s] = b[s] * own[s];
                n[right] = n[right + 1] = 0;
                const double *enter = enter_.data() + 1, *skip = skip_.data() + 2;
                for (long s = from; s < to; s++) b[s] = n[s] + enter[s] * n[s + 1] + skip[s] * n[s + 2];
                const double sum = total(b + from, to - from), scale = 1 / sum;
                if (!(sum > 0) || !(scale < HUGE_VAL)) return false;
                for (long s = from; s < to; s++) b[s] *= scale;
                scales += std::log(sum);
            }
            const double* a = alpha(t);
            for (long s = from; s < to; s++) both[size_t(s)] = a[s] * b[s];
            const double sum = total(&both[size_t(from)], to - from), scale = 1 / sum;
            const double found = std::log(sum) + scales + logs_[size_t(t)];
            if (!(std::fabs(found - whole) <= lost * (1 + std::fabs(whole)))) return false;
            T* out = gradient_ + t * row_;
            double blank = 0;
            for (long s = from + (from & 1); s < to; s += 2) blank += both[size_t(s)];
            out[call_.blank] = T(-blank * scale);
            for (long s = from | 1; s < to; s += 2) out[text_[s / 2]] -= T(both[size_t(s)] * scale);
        }
        return true;
    }

    const elman_ctc_call& call_;
    const long frames_, row_;
    const int64_t* text_;
    const long size_, places_;
    const T* scores_;
    T* gradient_;
    std::vector<double> y_, alpha_, enter_, skip_, logs_;
};

template <class T>
struct Losses {
    const elman_ctc_call& call;

    void one(long b) const {
        Text<T> text(call, b);
        text.clear();
        double loss = 0;
        const bool found = !text.reachable() || text.run(&loss);
        if (!found) text.clear();
        call.left[b] = !found;
        static_cast<T*>(call.losses)[b] = found ? T(loss) : T(0);
    }

    void operator()() {
        const long pieces = long(call.sequences), threads = call.threads < pieces ? long(call.threads) : pieces;
        if (threads <= 1) {
            for (long b = 0; b < pieces; b++) one(b);
            return;
        }
        const Stage stage{int(pieces), 1, [](void* p, int piece, int, int, int) { static_cast<Losses*>(p)->one(piece); }};
        ::elman::run(std::make_shared<Job>(int(threads), std::vector<Stage>{stage}, this, 0), call.own_threads != 0);
    }
};

void check(const elman_ctc_call& c) {
    product({c.steps, c.sequences, c.symbols}, "CTC");
    if (c.threads < 1 || std::max(c.threads, c.sequences) > most_pieces) throw std::invalid_argument("sequences or threads of CTC out of range");
    if (!c.log_probs || !c.lengths || !c.starts || !c.losses || !c.gradient || !c.left) throw std::invalid_argument("CTC needs all its tensors");
    for (int64_t yes : {c.is_double, c.own_threads})
        if (yes != 0 && yes != 1) throw std::invalid_argument("a yes or no of CTC that is neither");
    const int64_t scores = c.steps * c.sequences * c.symbols, B = c.sequences, size = c.is_double ? sizeof(double) : sizeof(float);
    Apart memory("CTC");
    const auto lies = [&](const void* at, int64_t extent, int64_t wanted, int64_t element, bool written) {
        if (extent != wanted) throw std::invalid_argument("a tensor of CTC is of another size");
        memory.add(at, extent, element, written);
    };
    lies(c.log_probs, c.log_probs_extent, scores, size, false), lies(c.lengths, c.lengths_extent, B, sizeof(int64_t), false);
    lies(c.starts, c.starts_extent, B + 1, sizeof(int64_t), false);
    lies(c.losses, c.losses_extent, B, size, true), lies(c.gradient, c.gradient_extent, scores, size, true), lies(c.left, c.left_extent, B, sizeof(int64_t), true);
    if (c.blank < 0 || c.blank >= c.symbols) throw std::invalid_argument("the blank of CTC is no symbol");
    for (int64_t b = 0; b < c.sequences; b++) {
        if (c.lengths[b] < 1 || c.lengths[b] > c.steps) throw std::invalid_argument("a length of CTC is out of range");
        if (c.starts[b] < 0 || c.starts[b + 1] < c.starts[b] || c.starts[b + 1] > most_pieces) throw std::invalid_argument("texts of CTC that do not follow each other");
    }
    product({c.steps, 2 * c.starts[c.sequences] + 3}, "CTC");  // more than places and frames of any one
    if (c.starts[0] != 0 || (c.starts[c.sequences] && !c.targets)) throw std::invalid_argument("texts of CTC that are not there");
    lies(c.targets, c.targets_extent, c.starts[c.sequences], sizeof(int64_t), false);
    for (int64_t i = 0; i < c.starts[c.sequences]; i++)
        if (c.targets[i] < 0 || c.targets[i] >= c.symbols || c.targets[i] == c.blank) throw std::invalid_argument("a text of CTC has what is no symbol");
}

}  // namespace

void ctc(const elman_ctc_call& call) {
    check(call);
    if (call.is_double)
        Losses<double>{call}();
    else
        Losses<float>{call}();
}

}  // namespace elman
