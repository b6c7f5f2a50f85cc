/** Shows what becomes of a program that wants the network outside of the machine: it is refused as without a route, and the calls are named. */
import { afterAll, expect, it } from 'vitest'
import { Place } from './lemming.ts'

const place = new Place({ check: 'none' })
afterAll(() => place.remove())

it('a connection to another computer is ENETUNREACH, and reported once', () => {
  const prog = place.compile(
    'outside',
    `#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
int main(void) {
  struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(53), .sin_addr.s_addr = inet_addr("192.0.2.1")};
  for (int i = 0; i < 3; i++) printf("%d ", connect(socket(AF_INET, SOCK_STREAM, 0), (struct sockaddr *)&a, sizeof a) == -1 && errno == ENETUNREACH);
  int fd = socket(AF_INET, SOCK_DGRAM, 0);
  printf("%d\\n", sendto(fd, "x", 1, 0, (struct sockaddr *)&a, sizeof a) == -1 && errno == ENETUNREACH);
  return 0;
}`,
  )
  const { code, stdout, stderr } = place.lemming(['run', '--', prog])
  expect({ code, stdout }).toEqual({ code: 0, stdout: '1 1 1 1\n' })
  const address = '{sa_family=AF_INET, sin_port=htons(53), sin_addr=inet_addr("192.0.2.1")}, 16)'
  expect(stderr.trimEnd().split('\n')).toEqual([
    `lemming: no such network in the machine, answered ENETUNREACH: connect(3, ${address}`,
    `lemming: no such network in the machine, answered ENETUNREACH: connect(4, ${address}`,
    `lemming: no such network in the machine, answered ENETUNREACH: connect(5, ${address}`,
    `lemming: no such network in the machine, answered ENETUNREACH: sendto(6, ..., ${address}`,
  ])
})
