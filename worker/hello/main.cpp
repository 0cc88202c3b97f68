#include "worker/hello/hello.h"

int main(int argc, char** argv) {
    return sup::hello::run(argc, argv, HELLO_VERSION);
}
