/* Calls of what is no code. */
#include <stdio.h>
#include <stdlib.h>
#include "caught.h"

static void nothing(void)
{
}

static char data[64] = { 0x90, (char)0xc3 };

static void call(void (*volatile *where)(void))
{
    (*where)(); //~ invalid-execute
    printf("called\n");
}

int main(void)
{
    void (*volatile target)(void) = nothing;
    catch_faults();
    call(&target);
#ifndef GOOD
    target = 0;
    CAUGHT(call(&target));
    target = (void (*)(void))data;
    CAUGHT(((void (*)(void))data)()); //~ invalid-execute
    CAUGHT(((void (*)(void))0x123456)()); //~ invalid-execute
    CAUGHT(((void (*)(void))0x1234567812345678)()); //~ invalid-access
#endif
    return 0;
}
