-- Health of every kind of mnemos.dev, by the conditions that kstatus reads, in its order; what a person holds back is Suspended.
local health = { status = "Healthy", message = "" }

if obj.metadata.deletionTimestamp ~= nil then
  health.status = "Progressing"
  health.message = "is being deleted"
  return health
end
if obj.status == nil then
  return health
end

local observed = obj.status.observedGeneration
if obj.metadata.generation ~= nil and observed ~= nil and observed ~= obj.metadata.generation then
  health.status = "Progressing"
  health.message = "generation " .. obj.metadata.generation .. " is not looked at yet"
  return health
end

-- Why something waits for a person.
local held = { Suspended = true, RunSuspended = true, ApprovalNeeded = true, BreakerTripped = true }
local summary = nil
for _, condition in ipairs(obj.status.conditions or {}) do
  if condition.type == "Reconciling" and condition.status == "True" then
    health.status = held[condition.reason] and "Suspended" or "Progressing"
    health.message = condition.message or condition.reason
    return health
  end
  if condition.type == "Stalled" and condition.status == "True" then
    health.status = "Degraded"
    health.message = condition.message or condition.reason
    return health
  end
  if condition.type == "Ready" then
    summary = condition
  elseif summary == nil and condition.type == "Succeeded" then
    summary = condition
  end
end

if summary ~= nil then
  if summary.type == "Ready" and summary.status ~= "True" then
    health.status = "Progressing"
  end
  health.message = summary.message or summary.reason or ""
end
return health
