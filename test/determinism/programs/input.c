/* Reads its input bit by bit, and says after each piece what it has come to. */
#include <stdio.h>
#include <unistd.h>

int main(void)
{
    unsigned char piece[64];
    unsigned long sum = 5381;
    for (ssize_t length; (length = read(0, piece, sizeof piece)) > 0;) {
        for (ssize_t i = 0; i < length; i++)
            sum = sum * 33 + piece[i];
        printf("%zd %lx\n", length, sum);
        fflush(stdout);
    }
    return 0;
}
