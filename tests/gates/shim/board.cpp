// A verilated netlist of a board with a parallel port, as a process: requests on stdin, answers on stdout.
//
// Every number is a little-endian u64. Requests: 1, cycle limit, n, n bytes (offer them until all are taken);
// 2, cycle limit, n, gap (run until n bytes came, or some came and `gap` cycles were quiet). Both end at the cycle
// limit. An answer: the cycle count, the bytes still not taken, how many came, those bytes. The end of stdin is the end of the process.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <vector>

#include "Vnetlist.h"
#include "verilated.h"

namespace {
uint64_t number() {
    uint8_t bytes[8];
    if (fread(bytes, 1, sizeof bytes, stdin) != sizeof bytes) exit(0);
    uint64_t value = 0;
    for (int i = 7; i >= 0; --i) value = value << 8 | bytes[i];
    return value;
}

void put(uint64_t value) {
    for (int i = 0; i < 8; ++i) putchar(static_cast<int>(value >> 8 * i & 255));
}

struct Board {
    VerilatedContext context;
    Vnetlist top;
    uint64_t cycles = 0;
    std::deque<uint8_t> outbox;
    std::vector<uint8_t> inbox;

    explicit Board(int seed) : top((context.randSeed(seed), context.randReset(2), &context)) {
        top.clock = 0;
        top.eval();
    }

    // What the netlist shows before an edge follows from the inputs of this cycle, so it is evaluated first.
    void cycle() {
        top.rx_valid = !outbox.empty();
        top.rx_data = outbox.empty() ? 0 : outbox.front();
        top.tx_ready = 1;
        top.eval();
        if (top.rx_valid && top.rx_ready) outbox.pop_front();
        if (top.tx_valid) inbox.push_back(top.tx_data);
        top.clock = 1;
        top.eval();
        top.clock = 0;
        top.eval();
        ++cycles;
    }
};
}  // namespace

int main(int argc, char** argv) {
    Board board(argc > 1 ? atoi(argv[1]) : 1);
    for (;;) {
        const uint64_t request = number(), limit = number(), count = number();
        if (request == 1) {
            for (uint64_t i = 0; i < count; ++i) {
                const int byte = getchar();
                if (byte == EOF) return 0;
                board.outbox.push_back(static_cast<uint8_t>(byte));
            }
            while (!board.outbox.empty() && board.cycles < limit) board.cycle();
        } else {
            const uint64_t gap = number();
            uint64_t quiet = 0, seen = board.inbox.size();
            while (board.cycles < limit && board.inbox.size() < count && !(seen > 0 && quiet >= gap)) {
                board.cycle();
                quiet = board.inbox.size() == seen ? quiet + 1 : 0;
                seen = board.inbox.size();
            }
        }
        const uint64_t left = board.outbox.size(), taken = request == 1 ? 0 : std::min<uint64_t>(count, board.inbox.size());
        board.outbox.clear();
        put(board.cycles);
        put(left);
        put(taken);
        fwrite(board.inbox.data(), 1, taken, stdout);
        board.inbox.erase(board.inbox.begin(), board.inbox.begin() + static_cast<long>(taken));
        fflush(stdout);
    }
}
