// Runs the engine from several threads at once, and compares every bit with what one thread computes alone. Built under the
// sanitizers (make native-tsan, native-asan); is given programs to train, and last those of a text.
#include <cstdio>
#include <fstream>

#include "driver.h"

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
