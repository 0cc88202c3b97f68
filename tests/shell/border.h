// The border of the kernel. The program defines the C library's calls anew that touch processes, the clock and
// what may fail, so that they come to a Kernel while there is one, whoever makes them: sup, libuv, the
// standard library.
#pragma once

#include <dlfcn.h>
#include <sys/syscall.h>

namespace sup::shell {

class Kernel;

// Whose calls these are from now on; null: the machine's.
void set_kernel(Kernel* kernel);

// A system call that no Kernel sees. As syscall(2).
template <typename... Arguments>
long real(long number, Arguments... arguments) {
    using Call = long (*)(long, ...);
    static const Call call = reinterpret_cast<Call>(::dlsym(RTLD_NEXT, "syscall"));
    return call(number, arguments...);
}

}  // namespace sup::shell
