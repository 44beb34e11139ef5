/**
 * What Redis does to a stream in one step. A stream is one key, a Redis Stream: token i is the entry `1-i` with its text `t`, the
 * bytes up to its end `c` and a checksum `k`; the end is the entry `2-0`. Redis itself refuses entries out of order, so each
 * index is there once whoever writes; a key that vanishes takes the whole stream with it, never a part.
 */
import { scriptOf } from './redis-script.ts'

/** Index wanted next, and the bytes so far. Shared by the scripts below. */
const nextOf = `
local function nextOf(key)
  local last = redis.call('XREVRANGE', key, '(2-0', '-', 'COUNT', 1)[1]
  if not last then return 0, 0 end
  return tonumber(string.sub(last[1], 3)) + 1, tonumber(last[2][4])
end
local function isEnded(key)
  return #redis.call('XRANGE', key, '2-0', '2-0') > 0
end
`

/**
 * KEYS[1] the stream. ARGV: seconds to keep it, bytes it may hold, then index, text and checksum of each token.
 * Answers the index wanted next. The oldest go when it is too long, but never the last.
 */
export const appendScript = scriptOf(`${nextOf}
local key = KEYS[1]
local next, total = nextOf(key)
if #ARGV == 2 or isEnded(key) then return next end
local added = false
for at = 3, #ARGV, 3 do
  if tonumber(ARGV[at]) == next then
    total = total + #ARGV[at + 1]
    redis.call('XADD', key, '1-' .. ARGV[at], 't', ARGV[at + 1], 'c', total, 'k', ARGV[at + 2])
    next = next + 1
    added = true
  end
end
if not added then return next end
local limit = tonumber(ARGV[2])
local first = redis.call('XRANGE', key, '-', '+', 'COUNT', 1)[1]
local gone = tonumber(first[2][4]) - #first[2][2]
if total - gone > limit then
  local from, kept = '-', nil
  while not kept do
    local batch = redis.call('XRANGE', key, from, '+', 'COUNT', 256)
    if #batch == 0 then kept = next - 1 end
    for _, entry in ipairs(batch) do
      local before = tonumber(entry[2][4]) - #entry[2][2]
      if total - before <= limit then kept = tonumber(string.sub(entry[1], 3)) break end
      from = '(' .. entry[1]
    end
  end
  redis.call('XTRIM', key, 'MINID', '1-' .. kept)
end
redis.call('EXPIRE', key, ARGV[1])
redis.call('PUBLISH', key, 'more')
return next
`)

/** KEYS[1] the stream. ARGV: seconds to keep it, how many tokens there must be. Answers the index wanted next. */
export const endScript = scriptOf(`${nextOf}
local key = KEYS[1]
local next = nextOf(key)
if next < tonumber(ARGV[2]) or isEnded(key) then return next end
redis.call('XADD', key, '2-0', 'end', '1')
redis.call('EXPIRE', key, ARGV[1])
redis.call('PUBLISH', key, 'more')
return next
`)

/** KEYS[1] the stream. Answers the index wanted next. */
export const nextScript = scriptOf(`${nextOf}
return (nextOf(KEYS[1]))
`)

/** KEYS[1] the stream. */
export const dropScript = scriptOf(`
redis.call('DEL', KEYS[1])
redis.call('PUBLISH', KEYS[1], 'gone')
return 0
`)
