// More threads of libgomp's than there are processors.
//
// Its threads wait on the processor for some ten milliseconds after each region, in the way of other programs' and, since
// those are owed their time later, in their own. It knows a remedy: while it keeps more threads than there are processors
// all of them wait for some fifty microseconds only. So, while other programs want the processor, a few more that sleep.
#pragma once

namespace elman {

using Parallel = void (*)(void (*)(void*), void*, unsigned, unsigned);  // GOMP_parallel

// Have them there for half a second from now. team: threads of a region, all but one of them new.
void crowd(Parallel parallel, unsigned team);
bool crowded();  // whether they are there

}  // namespace elman
