# How release builds are hardened. Linked by our own targets only, and never exported: who uses sup::worker keeps
# their own flags. tests/integration/hardening_test.cpp reads the properties off the binaries.
include(CheckCompilerFlag)
include(CheckPIESupported)
include(CheckSourceCompiles)

add_library(sup_hardening INTERFACE)
set(sup_release $<CONFIG:Release,RelWithDebInfo,MinSizeRel>)
target_compile_options(sup_hardening INTERFACE $<$<CONFIG:RelWithDebInfo>:-g1>)

if(NOT SUP_SANITIZE AND NOT SUP_FUZZ)
    foreach(flag -fstack-protector-strong -fstack-clash-protection -fcf-protection=full)
        string(MAKE_C_IDENTIFIER "SUP_HAS${flag}" known)
        check_compiler_flag(CXX ${flag} ${known})  # -fcf-protection is x86's
        if(${known})
            target_compile_options(sup_hardening INTERFACE $<${sup_release}:${flag}>)
        endif()
    endforeach()
    target_link_options(sup_hardening INTERFACE $<${sup_release}:LINKER:-z,relro,-z,now,-z,noexecstack>)

    # A definition, so that what is not optimised can take it back by -U: glibc warns of it there.
    # Whoever builds a package may have chosen a level already.
    if(NOT "${CMAKE_C_FLAGS} ${CMAKE_CXX_FLAGS}" MATCHES "_FORTIFY_SOURCE")
        set(CMAKE_REQUIRED_FLAGS "-O2 -D_FORTIFY_SOURCE=3 -Werror")
        check_source_compiles(CXX "#include <string.h>\nint main() { return 0; }" SUP_HAS_FORTIFY_3)
        unset(CMAKE_REQUIRED_FLAGS)
        set(level 2)
        if(SUP_HAS_FORTIFY_3)
            set(level 3)
        endif()
        target_compile_definitions(sup_hardening INTERFACE $<${sup_release}:_FORTIFY_SOURCE=${level}>)
    endif()

    if(CMAKE_BUILD_TYPE MATCHES "^(Release|RelWithDebInfo|MinSizeRel)$")
        check_pie_supported()
        set(CMAKE_POSITION_INDEPENDENT_CODE ON)
    endif()
endif()
