# Does the simulation bite? Each mutant is the core, or the ledger, with one line broken on purpose: a copy of the file
# that holds the line is compiled with the change and linked before the sound ones, whose own object of that name is then
# never pulled in. For that both are compiled a second time, one object a file: an object of several files would bring
# the sound line along with what it is needed for. The test of a mutant passes when the simulation reports the named
# promise as broken.
#
# A mutant whose line is not there exactly once (because the core has changed) does not compile, and says so.

get_target_property(core_files sup_core SOURCES)
list(TRANSFORM core_files PREPEND ${CMAKE_SOURCE_DIR}/master/core/)
get_target_property(ledger_files sup_ledger SOURCES)
list(TRANSFORM ledger_files PREPEND ${CMAKE_SOURCE_DIR}/master/ledger/)
set(mutant_options -O1 -w)
add_library(sup_rules_by_file STATIC ${core_files} ${ledger_files})
target_link_libraries(sup_rules_by_file PRIVATE nlohmann_json::nlohmann_json sup_flags)
target_compile_options(sup_rules_by_file PRIVATE ${mutant_options})
target_precompile_headers(sup_rules_by_file PRIVATE <nlohmann/json.hpp> "${CMAKE_SOURCE_DIR}/master/core/rules.h")
set_target_properties(sup_rules_by_file PROPERTIES UNITY_BUILD OFF)

# sup_sim_mutant(NAME FILE LINE REPLACEMENT PROMISE [OPTION…]): the arguments by position, as the C++ in them has semicolons.
# PROMISE is a part of that promise's words in property.cpp, OPTION one of sup-sim's.
#
# sup_sim_mutant_seen(NAME SEEN PROMISE OPTION…): the same mutant again, seen with other options and to be caught by
# another promise.
function(sup_sim_mutant name file line replacement promise)
    set(original ${CMAKE_CURRENT_SOURCE_DIR}/../../master/core/${file})
    set(mutated ${CMAKE_CURRENT_BINARY_DIR}/mutants/${name}.cpp)
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${original})
    file(READ "${original}" source)
    string(FIND "${source}" "${line}" first)
    string(FIND "${source}" "${line}" last REVERSE)
    if(first EQUAL -1 OR NOT first EQUAL last)
        set(source "#error \"tests/sim/mutants.cmake: the line to break for ${name} is not in master/core/${file} exactly once\"\n")
    else()
        string(REPLACE "${line}" "${replacement}" source "${source}")
    endif()
    file(CONFIGURE OUTPUT "${mutated}" CONTENT "${source}" @ONLY)

    set(target sim-mutant-${name})
    add_executable(${target} ${mutated})
    target_link_libraries(${target} PRIVATE sup_sim sup_sim_checker sup_rules_by_file sup_flags)
    target_compile_options(${target} PRIVATE ${mutant_options})
    target_precompile_headers(${target} REUSE_FROM sup_rules_by_file)
    set_target_properties(${target} PROPERTIES UNITY_BUILD OFF RUNTIME_OUTPUT_DIRECTORY ${CMAKE_CURRENT_BINARY_DIR}/mutants)
    set_property(DIRECTORY APPEND PROPERTY mutants ${target})
    sup_sim_mutant_test("${name}" ${target} "${promise}" ${ARGN})
endfunction()

# The target sim-mutants runs them all, and prints which promise killed whom.
function(sup_sim_mutants_summary)
    get_property(mutants DIRECTORY PROPERTY mutants)
    cmake_host_system_information(RESULT processors QUERY NUMBER_OF_LOGICAL_CORES)
    add_custom_target(sim-mutants
        COMMAND ${CMAKE_COMMAND} -DBUILD=${CMAKE_BINARY_DIR} -DJOBS=${processors}
                -P ${CMAKE_CURRENT_SOURCE_DIR}/mutants_summary.cmake
        USES_TERMINAL)
    add_dependencies(sim-mutants ${mutants})
endfunction()

function(sup_sim_mutant_seen name seen promise)
    sup_sim_mutant_test("${name} ${seen}" sim-mutant-${name} "${promise}" ${ARGN})
endfunction()

function(sup_sim_mutant_test name target promise)
    add_test(NAME "sim: catches ${name}"
             COMMAND ${target} --seeds 3000 --seconds 100 --jobs 1 --expect-violation "${promise}" ${ARGN})
    set_tests_properties("sim: catches ${name}" PROPERTIES TIMEOUT 120)
endfunction()
