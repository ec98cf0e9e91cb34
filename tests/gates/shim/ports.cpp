// A verilated netlist of a core, as a process: a batch of cycles on stdin, what came of it on stdout.
//
// A batch is a little-endian u64 that counts its cycles, and for each of them all inputs in the order of INPUTS, each in
// whole bytes, lightest first. The answer is, for each cycle, all outputs in the order of OUTPUTS as they stand after its
// clock edge. The end of stdin is the end of the process. Both lists are macros of PORT(name, bits).
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "Vnetlist.h"
#include "verilated.h"

int main(int argc, char** argv) {
    VerilatedContext context;
    context.commandArgs(argc, argv);
    context.randReset(2);
    context.randSeed(argc > 1 ? atoi(argv[1]) : 1);
    Vnetlist top(&context);
    top.clock = 0;
    top.eval();
    std::vector<uint8_t> answer;
    for (;;) {
        uint64_t cycles = 0;
        for (int i = 0; i < 8; ++i) {
            const int byte = getchar();
            if (byte == EOF) return 0;
            cycles |= static_cast<uint64_t>(byte) << 8 * i;
        }
        answer.clear();
        for (uint64_t cycle = 0; cycle < cycles; ++cycle) {
            // A port's place holds its bytes lightest first, as this machine's words do.
#define PORT(name, bits) \
    if (fread(reinterpret_cast<char*>(&top.name), 1, (bits + 7) / 8, stdin) != (bits + 7) / 8) return 1;
            INPUTS
#undef PORT
            top.eval();
            top.clock = 1;
            top.eval();
            top.clock = 0;
            top.eval();
#define PORT(name, bits)                                               \
    {                                                                  \
        const auto place = reinterpret_cast<const uint8_t*>(&top.name); \
        answer.insert(answer.end(), place, place + (bits + 7) / 8);    \
    }
            OUTPUTS
#undef PORT
        }
        fwrite(answer.data(), 1, answer.size(), stdout);
        fflush(stdout);
    }
}
