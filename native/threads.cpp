// Two pools that spin cost each other milliseconds, so the threads are those of the OpenMP library that torch has loaded
// already, found by name at run time: this library neither links nor ships one. Without it there is a small own pool, and
// where other programs want the processor that serves too: nobody there waits for a thread that comes late.
// In a forked child neither pool's threads exist any more: there everything runs on the calling thread.
#include "threads.h"

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <thread>

#include "crowd.h"

#if !defined(_WIN32)
#include <dlfcn.h>
#include <pthread.h>
#endif
#if defined(__linux__)
#include <sys/resource.h>
#endif

namespace elman {

namespace {

std::atomic<bool> forked{false};

struct OpenMP {
    Parallel parallel = nullptr;
    int (*thread)() = nullptr;
    int (*threads)() = nullptr;
    int (*processors)() = nullptr;
    enum { for_long, not_long, as_told } waits = for_long;
};
OpenMP openmp;
std::atomic<bool> openmp_ready{false};

// The threads of the region meet before they leave it, sleeping where it takes long: at its end, and after it, those of
// libgomp wait for each other on the processor, for milliseconds, in the way of the one that they wait for.
struct Region {
    Job& job;
    Barrier end;
};

void openmp_body(void* p) {
    Region& region = *static_cast<Region*>(p);
    const int i = openmp.thread();
    if (i < region.job.threads()) region.job.take_part(i);
    region.end.wait(openmp.threads(), false);
}

// How its threads wait on the processor, which is read as that library is loaded.
[[maybe_unused]] decltype(OpenMP::waits) told_to_wait() {
    if (const char* spins = std::getenv("GOMP_SPINCOUNT")) {
        char* end = nullptr;
        const long long n = std::strtoll(spins, &end, 10);
        return end != spins && *end == 0 && n >= 0 && n <= 20'000 ? OpenMP::not_long : OpenMP::as_told;
    }
    if (const char* policy = std::getenv("OMP_WAIT_POLICY"))
        return std::strcmp(policy, "passive") && std::strcmp(policy, "PASSIVE") ? OpenMP::as_told : OpenMP::not_long;
    return OpenMP::for_long;
}

// Whether this thread has lost its processor to another since it was last asked.
bool interrupted() {
#if defined(__linux__)
    static thread_local long seen = -1;
    rusage usage;
    if (getrusage(RUSAGE_THREAD, &usage)) return false;
    const bool more = seen >= 0 && usage.ru_nivcsw != seen;
    seen = usage.ru_nivcsw;
    return more;
#else
    return false;
#endif
}

// Whether this thread has waited for a processor a fifth of the time since it was last looked at, ten times a second. (That
// it was interrupted says less: threads of one program interrupt each other too, briefly.)
bool kept_waiting() {
#if defined(__linux__)
    static thread_local int64_t looked = 0;
    static thread_local unsigned long long waited = 0;
    const int64_t at = Spin::now(), passed = at - looked;
    if (passed < 100'000'000) return false;
    unsigned long long ran = 0, all = 0;
    if (std::FILE* file = std::fopen("/proc/thread-self/schedstat", "r")) {
        if (std::fscanf(file, "%llu %llu", &ran, &all) != 2) all = 0;
        std::fclose(file);
    }
    const bool first = looked == 0;
    const double share = double(all - std::min(all, waited)) / double(passed);
    looked = at, waited = all;
    return !first && share > 0.2;
#else
    return false;
#endif
}

// Where other programs want the processor: the own pool, or else threads of OpenMP's that do not stand in the way.
bool better_alone(int threads) {
    if (interrupted()) Spin::others_compute(Spin::memory);
    if (!openmp_ready.load(std::memory_order_acquire)) return true;
    if (openmp.waits == OpenMP::for_long && openmp.processors && kept_waiting())
        if (const int missing = openmp.processors() - threads + 1; missing > 0 && missing <= 16) crowd(openmp.parallel, unsigned(missing) + 1);
    // beside threads that spin for long a second pool would take the processor from itself, and think that others do
    return (openmp.waits == OpenMP::not_long || crowded()) && Spin::others_compute();
}

// One job at a time; whoever finds it busy works alone.
class Pool {
public:
    bool run(const std::shared_ptr<Job>& job) {
        std::unique_lock<std::mutex> only(busy_, std::try_to_lock);
        if (!only) return false;
        offer(job);
        job->take_part(0);
        std::lock_guard<std::mutex> lock(mutex_);
        job_.reset();  // a thread that comes now is not waited for
        return true;
    }

private:
    void offer(const std::shared_ptr<Job>& job) {
        {
            std::lock_guard<std::mutex> lock(mutex_);
            while (workers_ < job->threads() - 1) {
                std::thread([this, seat = workers_ + 1, seen = generation_.load()] { serve(seat, seen); }).detach();
                workers_++;
            }
            job_ = job;
            generation_.fetch_add(1);  // with the job: nobody takes part in one twice
        }
        work_.ring();
    }

    void serve(int seat, unsigned seen) {
        for (;;) {
            work_.wait([&] { return generation_.load() != seen; });
            std::shared_ptr<Job> job;  // it lives until the last one has left it
            {
                std::lock_guard<std::mutex> lock(mutex_);
                seen = generation_.load();
                job = job_;
            }
            if (job && seat < job->threads()) job->take_part(seat);
        }
    }

    std::mutex busy_, mutex_;
    std::shared_ptr<Job> job_;
    std::atomic<unsigned> generation_{0};
    int workers_ = 0;
    Bell work_;
};

Pool& pool() {
    static Pool* const p = new Pool;  // never destroyed: its threads outlive static destructors
    return *p;
}

[[maybe_unused]] const bool watching = [] {
#if !defined(_WIN32)
    pthread_atfork(nullptr, nullptr, [] { forked.store(true); });
#endif
    return true;
}();

}  // namespace

static void deal(const std::shared_ptr<Job>& job, bool own) {
    if (job->threads() > 1 && !forked.load(std::memory_order_relaxed)) {
        if (!better_alone(job->threads()) && !own) {
            Region region{*job, {}};
            openmp.parallel(openmp_body, &region, unsigned(job->threads()), 0);
            return;
        }
        if (pool().run(job)) return;
    }
    job->take_all();
}

void run(const std::shared_ptr<Job>& job, bool own) {
    deal(job, own);
    job->rethrow();
}

bool use_openmp(const char* library) {
    if (!library) {
        openmp_ready.store(false);
        return true;
    }
#if !defined(_WIN32)
    void* handle = dlopen(library, RTLD_NOW | RTLD_NOLOAD);  // only the copy that is loaded already
    if (!handle) return false;
    openmp.parallel = reinterpret_cast<decltype(openmp.parallel)>(dlsym(handle, "GOMP_parallel"));
    openmp.thread = reinterpret_cast<decltype(openmp.thread)>(dlsym(handle, "omp_get_thread_num"));
    openmp.threads = reinterpret_cast<decltype(openmp.threads)>(dlsym(handle, "omp_get_num_threads"));
    openmp.processors = reinterpret_cast<decltype(openmp.processors)>(dlsym(handle, "omp_get_num_procs"));
    openmp.waits = told_to_wait();
    Spin::most().store(openmp.waits == OpenMP::not_long ? 200'000 : 1'000'000);
    const bool found = openmp.parallel && openmp.thread && openmp.threads;
    openmp_ready.store(found, std::memory_order_release);
    return found;
#else
    return false;
#endif
}

const char* threads_in_use() { return openmp_ready.load() ? "openmp" : "own"; }

}  // namespace elman
