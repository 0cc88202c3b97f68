# Node's HTTP parser comes as C sources (Debian: node-llhttp). All its names get a prefix, so that who links
# sup::worker may link a llhttp of their own, of whatever version.
find_path(LLHTTP_INCLUDE_DIR llhttp.h PATHS /usr/share/include PATH_SUFFIXES llhttp)
find_path(LLHTTP_SOURCE_DIR llhttp.c PATHS /usr/share PATH_SUFFIXES llhttp)
if(NOT LLHTTP_INCLUDE_DIR OR NOT LLHTTP_SOURCE_DIR)
    message(FATAL_ERROR "llhttp's sources were not found: install the package node-llhttp (scripts/setup does), "
                        "or set LLHTTP_INCLUDE_DIR (llhttp.h) and LLHTTP_SOURCE_DIR (llhttp.c, api.c, http.c)")
endif()

set(sup_llhttp_sources ${LLHTTP_SOURCE_DIR}/llhttp.c ${LLHTTP_SOURCE_DIR}/api.c ${LLHTTP_SOURCE_DIR}/http.c)
set(sup_llhttp_names)
foreach(source ${LLHTTP_INCLUDE_DIR}/llhttp.h ${sup_llhttp_sources})
    file(READ ${source} text)
    string(REGEX MATCHALL "[^A-Za-z0-9_]llhttp_[A-Za-z0-9_]+" found "${text}")
    list(TRANSFORM found REPLACE "^[^A-Za-z0-9_]" "")
    list(APPEND sup_llhttp_names ${found})
endforeach()
list(REMOVE_DUPLICATES sup_llhttp_names)
list(TRANSFORM sup_llhttp_names REPLACE "(.+)" "#define \\1 sup_\\1")
list(JOIN sup_llhttp_names "\n" sup_llhttp_defines)
set(sup_llhttp_prefix ${CMAKE_CURRENT_BINARY_DIR}/llhttp_prefix.h)
file(CONFIGURE OUTPUT ${sup_llhttp_prefix} CONTENT "${sup_llhttp_defines}\n" @ONLY)

add_library(sup_llhttp STATIC ${sup_llhttp_sources})
set_target_properties(sup_llhttp PROPERTIES EXPORT_NAME llhttp POSITION_INDEPENDENT_CODE ON UNITY_BUILD OFF)
target_include_directories(sup_llhttp SYSTEM PUBLIC $<BUILD_INTERFACE:${LLHTTP_INCLUDE_DIR}>)
target_compile_definitions(sup_llhttp PRIVATE LLHTTP_STRICT_MODE=1)
target_compile_options(sup_llhttp PUBLIC "$<BUILD_INTERFACE:SHELL:-include \"${sup_llhttp_prefix}\">")
target_link_libraries(sup_llhttp PRIVATE $<BUILD_INTERFACE:sup_hardening>)
