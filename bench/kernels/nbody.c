/** Five bodies over 10 million steps: shows scalar arithmetic in doubles, with divisions and square roots. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define BODIES 5

/* Positions and masses are made up; what counts is that no orbit decays within the run. */
static struct { double x, y, z, vx, vy, vz, mass; } bodies[BODIES] = {
    {0, 0, 0, 0, 0, 0, 40},
    {5, 0.5, -0.1, -0.3, 2.7, 0.05, 0.04},
    {-8, 4, 0.3, -0.9, -1.85, 0.1, 0.011},
    {12, -14, -0.4, 1.1, 0.95, -0.02, 0.0017},
    {-15, -25, 0.9, 0.98, -0.59, -0.06, 0.002},
};

static void advance(double dt)
{
    for (int i = 0; i < BODIES; i++)
        for (int j = i + 1; j < BODIES; j++) {
            double dx = bodies[i].x - bodies[j].x, dy = bodies[i].y - bodies[j].y, dz = bodies[i].z - bodies[j].z;
            double squared = dx * dx + dy * dy + dz * dz;
            double force = dt / (squared * sqrt(squared));
            bodies[i].vx -= dx * bodies[j].mass * force;
            bodies[i].vy -= dy * bodies[j].mass * force;
            bodies[i].vz -= dz * bodies[j].mass * force;
            bodies[j].vx += dx * bodies[i].mass * force;
            bodies[j].vy += dy * bodies[i].mass * force;
            bodies[j].vz += dz * bodies[i].mass * force;
        }
    for (int i = 0; i < BODIES; i++) {
        bodies[i].x += dt * bodies[i].vx;
        bodies[i].y += dt * bodies[i].vy;
        bodies[i].z += dt * bodies[i].vz;
    }
}

static double energy(void)
{
    double sum = 0;
    for (int i = 0; i < BODIES; i++) {
        sum += 0.5 * bodies[i].mass *
               (bodies[i].vx * bodies[i].vx + bodies[i].vy * bodies[i].vy + bodies[i].vz * bodies[i].vz);
        for (int j = i + 1; j < BODIES; j++) {
            double dx = bodies[i].x - bodies[j].x, dy = bodies[i].y - bodies[j].y, dz = bodies[i].z - bodies[j].z;
            sum -= bodies[i].mass * bodies[j].mass / sqrt(dx * dx + dy * dy + dz * dz);
        }
    }
    return sum;
}

int main(int argc, char **argv)
{
    size_t steps = argc > 1 ? strtoul(argv[1], NULL, 10) : 10000000;
    printf("%.17g\n", energy());
    for (size_t n = 0; n < steps; n++)
        advance(0.001);
    printf("%.17g\n", energy());
    return 0;
}
