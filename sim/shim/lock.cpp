#include <mutex>
std::mutex& nda_sim_lock() {
    static std::mutex lock;
    return lock;
}
