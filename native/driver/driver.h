// What the parts of the driver share: programs as driver/programs.py writes them, and numbers to work on.
#pragma once

#include <atomic>
#include <cstdint>
#include <cstring>
#include <istream>
#include <string>
#include <thread>
#include <vector>

#include "../elman.h"

namespace driver {

constexpr long I = 10, H = 24;  // as in programs.py

struct Words {
    std::vector<int64_t> words;
    std::vector<std::string> tensors;
};

inline Words read_words(std::istream& in) {
    Words w;
    size_t n = 0;
    in >> n;
    w.words.resize(n);
    for (auto& word : w.words) in >> word;
    in >> n;
    w.tensors.resize(n);
    for (auto& name : w.tensors) in >> name;
    return w;
}

inline std::vector<long> read_sizes(std::istream& in) {
    size_t n = 0;
    in >> n;
    std::vector<long> sizes(n);
    for (auto& s : sizes) in >> s;
    return sizes;
}

template <class T = float>
std::vector<T> numbers(size_t n, unsigned seed) {
    std::vector<T> v(n);
    for (auto& e : v) seed = seed * 1664525u + 1013904223u, e = T(seed >> 8) / T(1u << 24) - T(0.5);
    return v;
}

template <class T>
bool same(const std::vector<T>& a, const std::vector<T>& b) {
    return !a.empty() && a.size() == b.size() && !std::memcmp(a.data(), b.data(), a.size() * sizeof(T));
}

// Whether work(i), run by four threads at once, ten times each, is true whenever it is.
template <class F>
bool at_once(F work) {
    std::vector<std::thread> threads;
    std::vector<int> wrong(4);
    for (int i = 0; i < 4; i++)
        threads.emplace_back([&, i] {
            for (int k = 0; k < 10; k++) wrong[size_t(i)] += !work(i);
        });
    for (auto& t : threads) t.join();
    return !(wrong[0] || wrong[1] || wrong[2] || wrong[3]);
}

// Each says what is wrong and returns false, or returns true.
bool trains(std::istream& programs);  // training.cpp
bool reads_on(std::istream& programs);  // texts.cpp
bool finds_losses();  // losses.cpp

// How often memory is given from now on, before it is refused once (main.cpp); -1: always.
extern std::atomic<int64_t> left_to_give;

}  // namespace driver
