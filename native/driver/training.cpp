// One step forward and back, by a team, by parts, and from several threads at once.
#include <cstdio>
#include <map>

#include "driver.h"

namespace driver {
namespace {

constexpr long T = 9, B = 18;

// y and every gradient, one after the other
std::vector<float> train(const Words& ahead, const Words& back, const std::vector<long>& sizes, bool ragged, long parts, long team) {
    elman_program* f = elman_program_new(ahead.words.data(), ahead.words.size(), 0, 0);
    elman_program* b = elman_program_new(back.words.data(), back.words.size(), 0, 0);
    if (!f || !b) return std::fprintf(stderr, "%s\n", elman_error()), std::vector<float>();
    std::map<std::string, std::vector<float>> t = {
        {"x", numbers(T * B * I, 1)},   {"y", std::vector<float>(T * B * H)},   {"first0", numbers(B * H, 2)}, {"last0", std::vector<float>(B * H)},
        {"d_y", numbers(T * B * H, 3)}, {"d_x", std::vector<float>(T * B * I)}, {"d_last0", numbers(B * H, 4)}, {"d_first0", std::vector<float>(B * H)}};
    std::vector<std::vector<float>> parameters, gradients;
    std::vector<const void*> p;
    std::vector<void*> g;
    for (long n : sizes) parameters.push_back(numbers(n, unsigned(n))), gradients.emplace_back(n);
    for (size_t i = 0; i < sizes.size(); i++) p.push_back(parameters[i].data()), g.push_back(gradients[i].data());
    int64_t lengths[B];
    for (long b = 0; b < B; b++) lengths[b] = 1 + (b * 5 + 8) % T;
    elman_call call = {T, B, ragged ? lengths : nullptr, 0, 0, parts, team, 1, nullptr, nullptr, nullptr, p.data(), g.data(), nullptr, nullptr, nullptr, nullptr, 0, 0, 0};
    std::vector<char> tape(elman_tape_bytes(f, &call));
    call.tape = tape.data(), call.tape_bytes = int64_t(tape.size());
    const std::vector<int64_t> parameter_extents(sizes.begin(), sizes.end());
    call.parameter_extents = parameter_extents.data();
    int failed = 0;
    for (int turn = 0; turn < 2; turn++) {
        const Words& w = turn ? back : ahead;
        std::vector<void*> at;
        std::vector<int64_t> by_time, by_row, extents;
        for (const auto& name : w.tensors) {
            auto& v = t.at(name);
            const long rows = long(v.size()) % (T * B) == 0 && name != "first0" && name != "last0" && name != "d_first0" && name != "d_last0" ? T * B : B;
            const long width = long(v.size()) / rows;
            at.push_back(v.data()), by_row.push_back(width), by_time.push_back(rows == B ? 0 : B * width), extents.push_back(long(v.size()));
        }
        std::vector<char> packed(elman_packed_bytes(turn ? b : f));
        call.tensors = at.data(), call.by_time = by_time.data(), call.by_row = by_row.data(), call.packed = packed.data();
        call.extents = extents.data(), call.packed_bytes = int64_t(packed.size());
        failed |= elman_run(turn ? b : f, &call);
    }
    elman_program_free(f), elman_program_free(b);
    if (failed) return std::fprintf(stderr, "%s\n", elman_error()), std::vector<float>();
    std::vector<float> all = t["y"];
    for (const char* name : {"last0", "d_x", "d_first0"}) all.insert(all.end(), t[name].begin(), t[name].end());
    for (const auto& v : gradients) all.insert(all.end(), v.begin(), v.end());
    return all;
}

}  // namespace

bool trains(std::istream& in) {
    const Words ahead = read_words(in), back = read_words(in);
    const std::vector<long> sizes = read_sizes(in);
    for (const bool ragged : {true, false}) {  // copied rows, and rows worked on where they lie
        const auto alone = train(ahead, back, sizes, ragged, 1, 1), dealt = train(ahead, back, sizes, ragged, 2, 1);
        if (!same(train(ahead, back, sizes, ragged, 1, 2), alone)) return std::puts("a team computes something else"), false;
        const auto work = [&](int i) { return same(train(ahead, back, sizes, ragged, i % 2 ? 2 : 1, i % 2 ? 1 : 2), i % 2 ? dealt : alone); };
        if (!at_once(work)) return std::puts("training: not the same bits"), false;
    }
    return true;
}

}  // namespace driver
