// The preparation of a generation, all or nothing: configuration, listeners, executable and working
// directory.
#pragma once

#include <memory>
#include <string>

#include "common/result.h"
#include "master/releases/generation.h"

namespace sup {

struct PreparationFailure {
    bool configuration_error = false;  // the file itself is invalid
    std::string reason;                // for a person; may have several lines, one for each problem
};

// Reads the running instance's configuration again. An instance keeps its name.
Result<config::Config, PreparationFailure> reload_config(const std::string& file,
                                                         const std::string& instance);

// `held`: the listeners of every generation that is not gone, newest first; where the address is the same,
// the socket is kept. A failure changes nothing.
Result<std::shared_ptr<const Generation>, PreparationFailure> prepare_generation(core::GenerationId id,
                                                                                 config::Config config,
                                                                                 const Listeners& held);

}  // namespace sup
