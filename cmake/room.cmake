# A room of the house: a folder, and a library of its own that sees only itself and the rooms that it uses. Its headers
# are found by way of build/rooms/NAME, which holds a link to the folder and is all that it adds to the compiler's path. So
# a file that includes from a room which its own does not use does not compile.

# sup_room_entrance(ROOM): the headers alone of the folder ROOM ("master/sockets": sup_sockets_headers).
function(sup_room_entrance room)
    get_filename_component(name ${room} NAME)
    get_filename_component(above ${room} DIRECTORY)
    set(entrance ${CMAKE_BINARY_DIR}/rooms/${name})
    file(MAKE_DIRECTORY ${entrance}/${above})
    file(CREATE_LINK ${CMAKE_SOURCE_DIR}/${room} ${entrance}/${room} SYMBOLIC)
    add_library(sup_${name}_headers INTERFACE)
    target_include_directories(sup_${name}_headers INTERFACE ${entrance})
endfunction()

# sup_room(ROOM SOURCES… USES… [BESIDES…]): the library, sup_sockets.
#   USES: the libraries whose headers it may include; who uses it may, too.
#   BESIDES: what only its sources need.
function(sup_room room)
    cmake_parse_arguments(ARG "" "" "SOURCES;USES;BESIDES" ${ARGN})
    get_filename_component(name ${room} NAME)
    sup_room_entrance(${room})
    add_library(sup_${name} STATIC ${ARG_SOURCES})
    target_link_libraries(sup_${name} PUBLIC sup_${name}_headers ${ARG_USES} PRIVATE sup_options ${ARG_BESIDES})
endfunction()
