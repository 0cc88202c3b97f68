# Puts a copy of FROM at TO by a rename, as a release is put in place: TO may be running, and may have been replaced by
# somebody who tried a swap.
if(EXISTS "${TO}")
    file(SHA256 "${FROM}" wanted)
    file(SHA256 "${TO}" present)
    if(wanted STREQUAL present)
        return()
    endif()
endif()
file(COPY_FILE "${FROM}" "${TO}.next")
file(RENAME "${TO}.next" "${TO}")
