#include "csimd.h"

static _Thread_local bool mark = false;

void csimd_set_mark(void) { mark = true; }

bool csimd_take_mark(void) {
  bool was = mark;
  mark = false;
  return was;
}
