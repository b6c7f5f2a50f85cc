# An interpreter that lives on strings: splitting, matching, hashes and sorting of a text.
use strict;
my ($path) = @ARGV;
my (%count, $vowels, $long);
open my $in, '<', $path or die "$path: $!";
while (my $line = <$in>) {
    chomp $line;
    for my $word (split / /, $line) { $count{$word}++; $long++ if length($word) > 7 }
    $vowels += ($line =~ tr/aeiou//);
    $line =~ s/(\w+)ming\b/<$1>/g;
}
my @top = sort { $count{$b} <=> $count{$a} || $a cmp $b } keys %count;
print join(' ', scalar @top, @top[0 .. 4], $vowels, $long), "\n";
