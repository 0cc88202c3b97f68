// The limit on open descriptors: the master needs many, its workers get the one that it was started with.
#pragma once

#include <sys/resource.h>

#include "common/result.h"
#include "config/config.h"

namespace sup {

// Raises this process's soft RLIMIT_NOFILE to the hard one, and returns what it was before.
Result<rlimit> raise_descriptor_limit();

// What a master needs for itself, whatever its workers are.
constexpr rlim_t descriptors_of_a_master = 32;
// Whether it could have them, by this process's hard limit.
Status check_master_descriptors();

// Opens /dev/null in place of those of descriptors 0, 1 and 2 that are closed, so that nothing else ever gets
// these numbers. To be called before anything is opened.
Status ensure_standard_descriptors();

// Whether a worker can be given its listeners, and its descriptor for readiness the number that it wants, by
// a master whose limit this is.
Status check_worker_descriptors(const config::Config& config, rlim_t limit);

}  // namespace sup
