-- scale_mos(value, worst, best): a score on any linear scale, on 1 (worst) to 5 (best).
-- A score that is on 1-5 already stays as it was given, to the last bit.
CREATE OR REPLACE TEMP MACRO scale_mos(value, worst, best) AS
    CASE WHEN worst = 1 AND best = 5 THEN value ELSE 1 + 4 * (value - worst) / (best - worst) END;
