// The part of spawn() that runs in the child, before exec.
#pragma once

#include <sys/resource.h>

#include <cstddef>

namespace sup {

// A BirthNote without its owner's types.
struct ChildNote {
    int file = -1;  // -1: there is none to write
    const char* text = nullptr;
    std::size_t size = 0;
    char* pid = nullptr;
    char* start_time = nullptr;
};

// What the child needs, prepared by the parent: the child allocates nothing. All of it belongs to the parent,
// whose memory the child shares, and who sleeps until the child has executed or exited; so the child may use
// it as scratch, and what it leaves in noted, failed_step and error_number is there for the parent to read.
struct ChildPlan {
    int* sources;        // source i becomes descriptor targets[i]
    const int* targets;  // ascending, from 0 on
    int source_count;
    int executable;              // an O_PATH descriptor; -1: by path
    bool executable_stays_open;  // for an interpreter, which opens it as /dev/fd/N
    int directory;
    const char* path;
    char* const* arguments;
    char* const* environment;
    char* own_pid;  // room for a pid in decimal and its NUL, within the environment; null: not wanted
    rlimit descriptor_limit;
    ChildNote note;

    bool noted = false;
    const char* failed_step = nullptr;
    int error_number = 0;
};

// Room that own_pid needs.
inline constexpr int pid_digits = 12;

// The entry point for clone(2); `plan` is a ChildPlan. Becomes the program, or records why not and exits with
// 127.
int run_child(void* plan);

}  // namespace sup
