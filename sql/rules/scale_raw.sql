-- scale_raw(value, worst, best): a score on any linear scale, on 0 (worst) to 100 (best). Adding 0 turns -0.0 into 0.0.
-- A score that is on 0-100 already stays as it was given, to the last bit.
CREATE OR REPLACE TEMP MACRO scale_raw(value, worst, best) AS
    CASE WHEN worst = 0 AND best = 100 THEN value ELSE 100 * (value - worst) / (best - worst) + 0.0 END;
