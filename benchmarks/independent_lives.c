/* The independent life of BG/NBD customers, in C: the yardstick of benchmarks/simulate_lives.py.
 *
 * The same random numbers (Philox4x64-10, one block a purchase), the same decisions: gap, spend, failure (lost with D0), organic
 * dropout. Spend is an exponential amount, since C has no table of gamma quantiles here; failures lose at once. So it does
 * a little less than the engine, and is a bound from below.
 */
#include <math.h>
#include <stdint.h>

typedef unsigned __int128 wide;

static inline void philox(uint64_t c[4], uint64_t k0, uint64_t k1) {
    for (int r = 0; r < 10; r++) {
        wide p = (wide)0xD2E7470EE14C6C93ULL * c[0], q = (wide)0xCA5A826395121157ULL * c[2];
        uint64_t a = (uint64_t)(q >> 64) ^ c[1] ^ k0, b = (uint64_t)q;
        uint64_t d = (uint64_t)(p >> 64) ^ c[3] ^ k1, e = (uint64_t)p;
        c[0] = a; c[1] = b; c[2] = d; c[3] = e;
        k0 += 0x9E3779B97F4A7C15ULL; k1 += 0xBB67AE8584CAA73BULL;
    }
}

static inline double unit(uint64_t w) { return ((double)(w >> 11) + 0.5) * 0x1p-53; }

/* Events of customers 0 .. n-1 with these rates and dropout probabilities until `end`. */
int64_t lives(int64_t n, const double *rate, const double *dropout, double phi, double d0, double end, uint64_t seed,
              int64_t *cents) {
    int64_t events = 0, total = 0;
    for (int64_t i = 0; i < n; i++) {
        double f = phi * dropout[i] / d0, o = dropout[i] * (1 - phi) / (1 - phi * dropout[i]), t = 0;
        uint64_t c[4] = {0, 1, (uint64_t)i, 0};
        philox(c, seed, 1);
        t = -log(unit(c[0])) / rate[i];
        for (uint64_t k = 1; t < end; k++) {
            uint64_t w[4] = {k, 1, (uint64_t)i, 0};
            philox(w, seed, 1);
            events++;
            total += (int64_t)(-log(unit(w[1])) * 3500 + 0.5);
            if (unit(w[2]) < f) {
                events += 2;
                break;
            }
            if (unit(w[3]) < o) {
                events++;
                break;
            }
            t -= log(unit(w[0])) / rate[i];
        }
    }
    *cents = total;
    return events;
}
