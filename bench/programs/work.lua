-- A scripting language's interpreter on strings, tables and calls: dispatch, hashing and the allocator.
local size = tonumber(arg[1])
local words, counts = {}, {}
local state = 12345
local function random(below)
  state = (state * 1103515245 + 12345) % 2147483648
  return state // 65536 % below
end
for i = 1, 40000 * size do
  local word = string.format("%s%d", string.char(97 + random(26), 97 + random(26)), random(50))
  words[#words + 1] = word
  counts[word] = (counts[word] or 0) + 1
end
table.sort(words)
local function queens(n, row, columns, left, right)
  if row == n then return 1 end
  local found = 0
  for c = 0, n - 1 do
    local bit = 1 << c
    if columns & bit == 0 and left & (1 << (row + c)) == 0 and right & (1 << (row - c + n)) == 0 then
      found = found + queens(n, row + 1, columns | bit, left | (1 << (row + c)), right | (1 << (row - c + n)))
    end
  end
  return found
end
local distinct = 0
for _ in pairs(counts) do distinct = distinct + 1 end
print(words[1], words[#words], distinct, queens(size > 4 and 9 or 7, 0, 0, 0, 0))
