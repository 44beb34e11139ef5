/**
 * What Redis does to rate limits in one step.
 *
 * Of each limit there are three keys: `c` and `p`, sorted sets of the confirmed and of the provisional charges by time, and for
 * token buckets the hash `h`. A provisional charge stops counting by its time alone; that it stays in `p` a little longer is what
 * lets a late confirmation bring it back. All times are whole microseconds, which a double holds exactly. Each script that writes
 * removes something first: a Redis that is full lets it go on then, and a limit is rather kept than forgotten.
 *
 * A bucket is told by its deficit, the tokens that are missing: it grows by one with each charge and shrinks evenly. `d` is the
 * deficit at time `t` after every charge that can no longer change, `n` the one at time `m` after all of them. When a charge
 * was forgotten in the meantime (`s` says up to when that was looked at), `n` is computed again from `d` and the charges since.
 */
import { type Script, scriptOf } from './redis-script.ts'

const clock = `
local function timeOf(given)
  if given ~= '' then return tonumber(given) end
  local time = redis.call('TIME')
  return tonumber(time[1]) * 1000000 + tonumber(time[2])
end
local function text(number) return string.format('%.0f', number) end
local function after(number) return '(' .. text(number) end
`

const charges = `
local function isTaken(c, p, id, from, alive)
  local at = redis.call('ZSCORE', c, id)
  if at and tonumber(at) > from then return true end
  at = redis.call('ZSCORE', p, id)
  return at and tonumber(at) > math.max(from, alive)
end
-- Times of the charges that count, in order; at most so many, or all.
local function timesOf(c, p, from, alive, most)
  local times = {}
  for _, range in ipairs({ { c, from }, { p, alive } }) do
    local found
    if most then found = redis.call('ZRANGE', range[1], after(range[2]), '+inf', 'BYSCORE', 'LIMIT', 0, most, 'WITHSCORES')
    else found = redis.call('ZRANGE', range[1], after(range[2]), '+inf', 'BYSCORE', 'WITHSCORES') end
    for at = 2, #found, 2 do times[#times + 1] = tonumber(found[at]) end
  end
  table.sort(times)
  return times
end
`

/**
 * KEYS: ids that wait, the record of this id, then c, p, h of each limit. ARGV: time ('' for that of Redis), id ('' to take
 * nothing), microseconds that a charge is provisional and that it can be confirmed, most entries to look at, then of each limit: `w`
 * or `b`, its name, requests, window in microseconds, burst, 1 when it is advisory.
 * Answers microseconds until each limit has room, 0 for one that has, -1 for one where this id was counted already.
 */
export const chargeScript: Script = scriptOf(`${clock}${charges}
local now, id = timeOf(ARGV[1]), ARGV[2]
local provisional, late, most = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local alive = now - provisional

local function window(c, p, limit)
  local from = now - limit.window
  local living = math.max(from, alive)
  redis.call('ZREMRANGEBYSCORE', c, '-inf', text(from))
  redis.call('ZREMRANGEBYSCORE', p, '-inf', text(math.max(from, now - late)))
  local over = redis.call('ZCOUNT', c, after(from), '+inf') + redis.call('ZCOUNT', p, after(living), '+inf') - limit.requests + 1
  if over <= 0 then return 0 end
  if over > most then return limit.window end
  return math.max(1, timesOf(c, p, from, living, over)[over] + limit.window - now)
end

local function bucket(c, p, h, limit)
  local rate = limit.requests / limit.window
  local function drain(deficit, from, to) return math.max(0, deficit - math.max(0, to - from) * rate) end
  local function replay(deficit, at, times)
    for _, time in ipairs(times) do
      deficit = drain(deficit, at, time) + 1
      at = math.max(at, time)
    end
    return deficit, at
  end
  local d, t, n, m, s = unpack(redis.call('HMGET', h, 'd', 't', 'n', 'm', 's'))
  local mustReplay = (s and not m) or redis.call('ZCOUNT', p, after(tonumber(s or 0)), text(alive)) > 0
  d, t, n, m = tonumber(d or 0), tonumber(t or 0), tonumber(n or 0), tonumber(m or 0)
  local old = redis.call('ZRANGE', c, '-inf', text(alive), 'BYSCORE', 'WITHSCORES')
  if #old > 0 then
    local times = {}
    for at = 2, #old, 2 do times[#times + 1] = tonumber(old[at]) end
    d, t = replay(d, t, times)
    redis.call('ZREMRANGEBYSCORE', c, '-inf', text(alive))
    redis.call('HSET', h, 'd', string.format('%.17g', d), 't', text(t))
  end
  redis.call('ZREMRANGEBYSCORE', p, '-inf', text(now - late))
  if mustReplay then
    n, m = replay(d, t, timesOf(c, p, alive, alive))
    redis.call('HSET', h, 'n', string.format('%.17g', n), 'm', text(m), 's', text(alive))
  end
  limit.deficit = drain(n, m, now)
  -- A billionth of a token for what is lost in rounding; when that much is told to be missing, it is there by then.
  local over = limit.deficit + 1 - limit.burst
  if over <= 2e-9 then return 0 end
  return math.max(1, math.ceil((over - 1e-9) / rate))
end

local limits, waits, isRefused = {}, {}, false
for at = 6, #ARGV, 6 do
  local index = #limits + 1
  local c, p, h = KEYS[3 * index], KEYS[3 * index + 1], KEYS[3 * index + 2]
  local limit = {
    kind = ARGV[at], name = ARGV[at + 1], requests = tonumber(ARGV[at + 2]), window = tonumber(ARGV[at + 3]),
    burst = tonumber(ARGV[at + 4]), isAdvisory = ARGV[at + 5] == '1', c = c, p = p, h = h,
  }
  limits[index] = limit
  -- A bucket knows the ids of the last minute only.
  local from = limit.kind == 'w' and now - limit.window or alive
  if id ~= '' and isTaken(c, p, id, from, alive) then waits[index] = -1
  elseif limit.kind == 'w' then waits[index] = window(c, p, limit)
  else waits[index] = bucket(c, p, h, limit) end
  if waits[index] > 0 and not limit.isAdvisory then isRefused = true end
end
if id == '' or isRefused then return waits end

local isCharged = false
for index, limit in ipairs(limits) do
  if waits[index] == 0 then
    local keep
    redis.call('ZADD', limit.p, text(now), id)
    if limit.kind == 'w' then keep = limit.window / 1000 + 1000
    else
      local n = limit.deficit + 1
      redis.call('HSET', limit.h, 'n', string.format('%.17g', n), 'm', text(now))
      redis.call('HSETNX', limit.h, 's', text(alive))
      keep = (late + n * limit.window / limit.requests) / 1000 + 1000
      redis.call('PEXPIRE', limit.h, text(keep))
    end
    for _, key in ipairs({ limit.c, limit.p }) do redis.call('PEXPIRE', key, text(keep)) end
    redis.call('SADD', KEYS[2], limit.kind .. ':' .. limit.name)
    isCharged = true
  end
end
if isCharged then
  redis.call('PEXPIRE', KEYS[2], text(late / 1000))
  redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', text(now - late))
  redis.call('ZADD', KEYS[1], text(now), id)
  redis.call('PEXPIRE', KEYS[1], text(late / 1000))
end
return waits
`)

/**
 * KEYS: ids that wait, the record of this id, then c, p, h of each limit that the record names. ARGV: time, id, microseconds that a charge
 * is provisional and that it can be confirmed. Answers 1 when the id waited, though what it was charged
 * to may be over by now.
 */
export const confirmScript: Script = scriptOf(`${clock}
local now, id = timeOf(ARGV[1]), ARGV[2]
local alive = now - tonumber(ARGV[3])
local waits = redis.call('ZSCORE', KEYS[1], id)
local isInTime = waits and tonumber(waits) > now - tonumber(ARGV[4])
for at = 3, #KEYS, 3 do
  local c, p, h = KEYS[at], KEYS[at + 1], KEYS[at + 2]
  local score = redis.call('ZSCORE', p, id)
  if score and isInTime then
    local ttl = redis.call('PTTL', p)
    redis.call('ZREM', p, id)
    redis.call('ZADD', c, score, id)
    if redis.call('PTTL', c) < ttl then redis.call('PEXPIRE', c, ttl) end
    -- A bucket that has forgotten it has to count again.
    if tonumber(score) <= alive then redis.call('HDEL', h, 'm') end
  end
end
redis.call('ZREM', KEYS[1], id)
redis.call('DEL', KEYS[2])
return isInTime and 1 or 0
`)

/** KEYS: ids that wait. ARGV: time, microseconds that they wait at least, that they can be confirmed, how many are wanted. */
export const unconfirmedScript: Script = scriptOf(`${clock}
local now = timeOf(ARGV[1])
return redis.call('ZRANGE', KEYS[1], after(now - tonumber(ARGV[3])), text(now - tonumber(ARGV[2])), 'BYSCORE', 'LIMIT', 0, ARGV[4])
`)
