// Running on several threads.
#pragma once

#include <memory>

#include "job.h"

namespace elman {

// Does all of a job, on as many of its threads as are to be had; returns when everything is done. own: on the own pool.
void run(const std::shared_ptr<Job>& job, bool own);

bool use_openmp(const char* library);  // false: it has no such entry points
const char* threads_in_use();

}  // namespace elman
