// Runs the engine from several threads at once, and compares every bit with what one thread computes alone. Built under the
// sanitizers (make native-tsan, native-asan); is given programs to train, and last those of a text. Memory can be refused.
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <new>

#include "driver.h"

namespace driver {
std::atomic<int64_t> left_to_give{-1};
}

void* operator new(std::size_t bytes) {
    int64_t left = driver::left_to_give.load();
    while (left >= 0 && !driver::left_to_give.compare_exchange_weak(left, left - 1)) {}
    void* const at = left ? std::malloc(bytes ? bytes : 1) : nullptr;
    if (!at) throw std::bad_alloc();
    return at;
}
void* operator new(std::size_t bytes, const std::nothrow_t&) noexcept { return std::malloc(bytes ? bytes : 1); }
void operator delete(void* at, const std::nothrow_t&) noexcept { std::free(at); }
void operator delete(void* at) noexcept { std::free(at); }
void operator delete(void* at, std::size_t) noexcept { std::free(at); }

int main(int count, char** files) {
    bool right = driver::finds_losses();
    for (int i = 1; i < count; i++) {
        std::ifstream in(files[i]);
        if (!in) return std::fprintf(stderr, "no %s\n", files[i]), 1;
        right = right && (i + 1 < count ? driver::trains(in) : driver::reads_on(in));
    }
    if (right) std::puts("the same bits");
    return right && count > 2 ? 0 : 1;
}
