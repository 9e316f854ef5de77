// Units read and drawn of texts, on one thread and on two, each thread with a text of its own; and one text that several
// threads want at once: a call is right or refused.
#include <atomic>
#include <cstdio>
#include <memory>

#include "driver.h"

namespace driver {
namespace {

constexpr int64_t V = 50, layers = 2, S = layers * 2 * H;

struct Layer {
    Words words;
    std::vector<long> sizes;
};

// N texts: tables, two layers of an LSTM, perhaps in 8 bits, and places for what they give.
class Text {
public:
    Text(const std::vector<Layer>& cells, int64_t N, int64_t threads, bool eight)
        : embedding_(numbers(size_t(V * I), 7)), weight_(numbers(size_t(V * H), 8)), bias_(numbers(size_t(V), 9)), x_(size_t(N * I)), scores_(size_t(N * V)),
          log_probs_(size_t(N * V)), room_(size_t(V)) {
        const void* reads = x_.data();
        for (int64_t k = 0; k < layers; k++) reads = prepare(cells[size_t(k)], k, N, reads, eight);
        text = {0, eight, N, V, I, H, layers, threads, 1, layer_, 3.0, embedding_.data(), x_.data(), reads, weight_.data(), bias_.data(), scores_.data(),
                log_probs_.data(), room_.data(), V * I, V * H, V, N * V, N * V, V, N * S * int64_t(sizeof(float))};
        if (!eight) return;
        narrow_.resize(size_t(elman_eight_bytes(V, H, 0)));
        elman_eight(weight_.data(), V * H, V, H, 0, narrow_.data(), int64_t(narrow_.size()));
        text.weight = narrow_.data(), text.weight_extent = int64_t(narrow_.size());
    }
    ~Text() {
        for (auto& r : rooms_) elman_prepared_free(r->prepared), elman_program_free(r->program);
    }
    Text(const Text&) = delete;

    const std::vector<double>& log_probs() const { return log_probs_; }
    elman_next text;

private:
    struct Room {  // of a layer
        elman_program* program = nullptr;
        elman_prepared* prepared = nullptr;
        elman_call call{};
        std::vector<std::vector<float>> parameters;
        std::vector<float> y, states;
        std::vector<const void*> p;
        std::vector<void*> tensors;
        std::vector<int64_t> by_time, by_row, extents, parameter_extents, offset;
        std::vector<char> packed;
    };

    const void* prepare(const Layer& cell, int64_t k, int64_t N, const void* reads, bool eight) {
        rooms_.push_back(std::make_unique<Room>());
        Room& r = *rooms_.back();
        r.program = elman_program_new(cell.words.words.data(), cell.words.words.size(), 0, eight);
        r.y.resize(size_t(N * H)), r.states.resize(size_t(N * S));
        for (long n : cell.sizes) r.parameters.push_back(numbers(size_t(n), unsigned(n + k)));
        for (const auto& v : r.parameters) r.p.push_back(v.data()), r.parameter_extents.push_back(int64_t(v.size()));
        for (const auto& name : cell.words.tensors) {
            const bool x = name == "x", y = name == "y";
            const int64_t width = x && k == 0 ? I : H, row = x || y ? width : S;
            r.tensors.push_back(x ? const_cast<void*>(reads) : y ? r.y.data() : r.states.data());
            r.by_time.push_back(0), r.by_row.push_back(row), r.extents.push_back((N - 1) * row + width);
        }
        for (int64_t i = 0; i < 2; i++) r.offset.push_back((2 * k + i) * H * int64_t(sizeof(float)));
        r.packed.resize(size_t(elman_packed_bytes(r.program)));
        r.call.steps = 1, r.call.batch = N, r.call.parts = 1, r.call.team = 1, r.call.pack = 1, r.call.own_threads = 1;
        r.call.tensors = r.tensors.data(), r.call.by_time = r.by_time.data(), r.call.by_row = r.by_row.data(), r.call.extents = r.extents.data();
        r.call.parameters = r.p.data(), r.call.parameter_extents = r.parameter_extents.data();
        r.call.packed = r.packed.data(), r.call.packed_bytes = int64_t(r.packed.size());
        r.prepared = elman_prepare(r.program, &r.call);
        layer_[k] = {r.prepared, 2, r.offset.data()};
        return r.y.data();
    }

    std::vector<std::unique_ptr<Room>> rooms_;
    std::vector<float> embedding_, weight_, bias_, x_, scores_;
    std::vector<double> log_probs_, room_;
    std::vector<char> narrow_;
    elman_next_layer layer_[layers];
};

// What four units make of three texts.
std::vector<double> read(const std::vector<Layer>& cells, int64_t threads, bool eight) {
    Text three(cells, 3, threads, eight);
    std::vector<float> before = numbers(size_t(3 * S), 6), after(size_t(3 * S));
    std::vector<double> all;
    for (int64_t i = 0; i < 4; i++, std::swap(before, after)) {
        const int64_t units[] = {i, V - 1 - i, 7 * i};
        if (elman_next_step(&three.text, units, before.data(), after.data()) < 0) return std::fprintf(stderr, "%s\n", elman_error()), std::vector<double>();
        all.insert(all.end(), three.log_probs().begin(), three.log_probs().end());
        all.insert(all.end(), after.begin(), after.end());
    }
    return all;
}

// Twenty units drawn of a text that may be another's, too; nothing where that one is at it.
std::vector<double> draw(Text& one) {
    const int64_t banned[] = {0, 3};
    const elman_draws how = {0.7, banned, 2, 5, 20};
    std::vector<float> place(S), other(S);
    std::vector<double> chances = numbers<double>(20, 11), values(20);
    for (auto& c : chances) c += 0.5;
    std::vector<int64_t> units(20);
    const int64_t found = elman_next_draw(&one.text, &how, 2, place.data(), other.data(), chances.data(), 20, units.data(), values.data());
    if (found != 20) return {};
    values.insert(values.end(), units.begin(), units.end());
    return values;
}

}  // namespace

bool reads_on(std::istream& in) {
    std::vector<Layer> cells;
    for (int64_t k = 0; k < layers; k++) {
        Words words = read_words(in);
        cells.push_back({std::move(words), read_sizes(in)});
    }
    const std::vector<double> alone[] = {read(cells, 1, false), read(cells, 1, true)};
    if (same(alone[0], alone[1])) return std::puts("reading: 8 bits are no other weights"), false;
    if (!at_once([&](int i) { return same(read(cells, 1 + i % 2, i > 1), alone[i > 1]); })) return std::puts("reading: not the same bits"), false;
    Text own(cells, 1, 1, true), shared(cells, 1, 2, true);
    const auto drawn = draw(own);
    std::atomic<int> right{0};
    const auto one_of_many = [&](int) {
        const auto found = draw(shared);
        if (same(found, drawn)) return right.fetch_add(1), true;
        return found.empty() && std::strstr(elman_error(), "in use already") != nullptr;
    };
    if (drawn.empty() || !at_once(one_of_many) || !right) return std::puts("drawing: not the same bits, and not refused"), false;
    return true;
}

}  // namespace driver
