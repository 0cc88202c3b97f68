// What is known of a worker when it is started, under the words by which templates ask for it.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "config/template.h"
#include "master/sockets/listener.h"

namespace sup {

using Words = std::map<std::string, std::string, std::less<>>;

struct ListenerFacts {
    // `any`: every address of the machine.
    enum class Kind { inet, any, unix_socket };

    std::string name;
    Kind kind = Kind::inet;
    // name, fd, address, family; host and port, or path and public_path.
    Words words;
};

// As the socket itself says it: "*" is "::" here (or "0.0.0.0"), and a unix socket's path the one that it was
// bound to. `fd` is the worker's.
ListenerFacts listener_facts(const Listener& listener, int fd);

struct WorkerFacts {
    Words words;  // generation, slot, instance, …
    std::vector<ListenerFacts> listeners;
};

// The text with its words in place. A word without a listener's name is looked for in `current` first, where
// there is one. Every word must be known: the configuration was checked.
std::string expand(const config::Template& text, const WorkerFacts& facts,
                   const ListenerFacts* current = nullptr);

}  // namespace sup
