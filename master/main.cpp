#include "master/cli/command_line.h"

int main(int argc, char** argv) {
    return sup::cli::run_command_line(argc, argv);
}
